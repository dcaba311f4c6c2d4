// What a process may do for the apps that it has: everything, or a part while others do the rest.

/** All roles of processes. Nothing runs yet in `process` and `relay`. */
export const roles = ['write', 'project', 'process', 'relay', 'serve'] as const

/** What a process does: takes commands, keeps read models up to date, or answers reads, for example. */
export type Role = (typeof roles)[number]
