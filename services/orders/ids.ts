import crypto from "node:crypto";

/**
 * Returns an id that sorts by its time (RFC 9562, version 7), so that the index entries of new rows lie together: by random
 * ids, each order of a large shop writes dozens of pages to the log of PostgreSQL. Early versions of Node 24 make random ones.
 */
export const newId = (): string => (crypto.randomUUIDv7 ?? crypto.randomUUID)();
