INSERT INTO documents_{number} ({columns}) VALUES ({values})
ON CONFLICT (key) DO UPDATE SET {updates}
RETURNING id;
