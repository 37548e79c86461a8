import type { ServiceSchema } from "moleculer";
import DbService from "moleculer-db";

/**
 * moleculer-db without its actions, which would let callers query and write any column. A service accesses its store by
 * `this.adapter` and offers only the actions of its contract.
 */
export const database = { ...DbService, actions: {} } as unknown as Partial<ServiceSchema>;
