import type { ServiceSchema } from "moleculer";
import DbService from "moleculer-db";

/**
 * moleculer-db without its ready-made actions: those would let callers query and write any column. A service reaches
 * its store by `this.adapter` and offers what its contract says.
 */
export const database = { ...DbService, actions: {} } as unknown as Partial<ServiceSchema>;
