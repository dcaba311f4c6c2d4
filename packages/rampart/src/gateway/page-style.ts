// The style sheet of the gateway's pages, kept inside of them so that nothing is loaded from elsewhere.

/** Works on a phone, on paper, and in light and dark. */
export const pageStyle = `
:root {
  color-scheme: light dark;
  --line: #8886;
  --soft: #8882;
  --quiet: light-dark(#555, #aaa);
  --get: light-dark(#14704e, #58d3a0);
  --post: light-dark(#8a5100, #f0b060);
}
* { box-sizing: border-box; }
body { margin: 0; font: 16px/1.55 system-ui, sans-serif; }
main { max-width: 54rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { margin: 0; font-size: 1.9rem; }
h2 { margin: 2.5rem 0 .75rem; font-size: 1.3rem; }
h3 { margin: 0 0 .4rem; font-size: 1.02rem; overflow-wrap: anywhere; }
p { margin: .4rem 0; }
nav { display: flex; flex-wrap: wrap; align-items: baseline; gap: .4rem; margin: .6rem 0; }
nav b { min-width: 6rem; font-weight: normal; color: var(--quiet); }
nav a { padding: .15rem .6rem; border: 1px solid var(--line); border-radius: 1rem; text-decoration: none; }
section { margin: .9rem 0; padding: .9rem 1rem; border: 1px solid var(--line); border-radius: .5rem; }
code, pre { font: .86em/1.5 ui-monospace, monospace; }
code { overflow-wrap: anywhere; }
p code { padding: .05rem .3rem; border-radius: .25rem; background: var(--soft); }
pre { margin: .6rem 0 0; padding: .7rem .8rem; overflow-x: auto; }
pre { border-radius: .4rem; background: var(--soft); }
pre code { overflow-wrap: normal; }
summary { margin-top: .4rem; cursor: pointer; }
.get, .post { font: 700 .8em ui-monospace, monospace; color: var(--get); }
.post { color: var(--post); }
`
