import { z } from "zod";
import type { VariableName } from "../config/variables.ts";
import { cursor, integerId } from "./fields.ts";
import type { ProblemCode } from "./problem-codes.ts";

/**
 * Callers that an action allows. `public`: anyone; `user`: any signed-in person, admins included; `admin`: admins;
 * `service`: Toko's own services, never a person. A service may do whatever an admin may.
 */
export type Permission = "public" | "user" | "admin" | "service";

/**
 * HTTP route of an action, below `/api/v<version>`. Parameters come from `:name` segments of the path, then from the
 * body (POST, PUT, PATCH) or the query string (GET, DELETE); `query` and `headers` name the exceptions.
 */
export interface Rest<P extends z.ZodObject = z.ZodObject, R extends z.ZodType = z.ZodType> {
	method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
	path: string;
	/** Status of a successful response; 200 by default. */
	status?: 200 | 201 | 202 | 204;
	/** Reports whether a request was only accepted: the status of its response is 202 then. */
	isAccepted?(result: z.output<R>, params: z.output<P>): boolean;
	/** Reports whether a request has found what it would have created: the status of its response is 200 then. */
	isFound?(result: z.output<R>): boolean;
	/** Path of the resource that a request with status 201 created; fields of the result replace its `:name` segments. */
	location?: string;
	/** Parameters that come from the query string although the method has a body. */
	query?: readonly string[];
	/** Parameter names by header name in lower case. */
	headers?: Readonly<Record<string, string>>;
	/** Parameter that receives the raw body, for actions that verify its signature; `body` documents its content. */
	raw?: { param: string; body: z.ZodObject };
	/**
	 * True if the response is a document (contracts/documents.ts) instead of JSON. Its parameters `format` and `language` are
	 * what the client prefers by `Accept` and `Accept-Language`.
	 */
	isDocument?: true;
	/** True for a path below the server's root instead of `/api`. */
	outermost?: boolean;
}

/** Contract of an action. The same schemas validate calls, type `ctx.call` and generate the API's document. */
export interface ActionContract<P extends z.ZodObject = z.ZodObject, R extends z.ZodType = z.ZodType> {
	summary: string;
	permissions: Permission;
	/** Error codes specific to this action, for the API's document. */
	problems?: readonly ProblemCode[];
	/** Example parameters for the API's document. */
	example?: z.input<P>;
	params: P;
	result: R;
	rest?: Rest<P, R>;
	/** True if a second run of the same call has no further effect; such calls are retried. */
	idempotent?: boolean | ((params: z.output<P>) => boolean);
	/** Caching of responses by callers. Only for `public` actions, so that no caller gets another one's data. */
	cached?: Cached<z.output<P>>;
	/**
	 * Returns the names of the aggregates that a call changes, as `cached.about` builds them, such as `product:<id>`, and
	 * of the kinds whose lists it changes, such as `product`. Cached responses about the aggregates are invalidated for
	 * everyone, and lists of the kinds in the process that made the call. The caller also gets no older list of the
	 * aggregates' kinds. A call that failed has no result.
	 */
	changes?: (params: z.output<P>, result?: z.output<R>) => string[];
	/** True for a public action that is done only for a user by their token, or with the token of a cart: they own its keys. */
	isOwned?: true;
	/** True if the response contains secrets, and must not be stored anywhere. */
	isSecret?: true;
	/** Deadline of the whole call, nested calls included; the broker's by default. */
	timeout_ms?: number;
	/** For an action that would otherwise take the processor, a pool or a slow server from all others. */
	bulkhead?: Bulkhead;
}

/** Maximum number of concurrent calls per process, and of queued ones; further calls are refused (503). */
export interface Bulkhead {
	concurrency: number;
	maxQueueSize: number;
}

/** Caching of an action: `fresh_ms` is the time for which a response is returned without asking the service. */
export interface Cached<P = unknown> {
	fresh_ms: number;
	/** Returns the single aggregate that the response depends on, such as `product:<id>`; unset if there are several. */
	about?: (params: P) => string;
	/** Kind of aggregate that a list depends on, such as `product`; unset if the list depends on several kinds. */
	among?: string;
}

/** Returns the kind of an aggregate: `product` for `product:<id>`, and for `product`. */
export function kindOf(aggregate: string): string {
	return aggregate.split(":", 1)[0] as string;
}

/**
 * Key of the parsed parameters in the options of a call, if the caller's side has parsed them, so that a process parses
 * them once. Options are not transmitted to other processes.
 */
export const PARSED = Symbol("parsed");

/** Options that may have parsed parameters. */
export interface Parsed {
	[PARSED]?: unknown;
}

/**
 * Returns the parsed parameters of a successful call; a callee in this process has parsed them already.
 *
 * @param ctx Context of the call, which the promise of a broker's `call` has.
 */
export function paramsOf(
	{ params: schema }: Pick<ActionContract, "params">,
	input: unknown,
	ctx: { params: unknown; endpoint?: { local?: boolean } | null } | undefined,
): Record<string, unknown> | undefined {
	return ctx?.endpoint?.local ? (ctx.params as Record<string, unknown>) : schema.safeParse(input ?? {}).data;
}

/**
 * Schema of a page of a list: its rows, and the cursor of the next page, null for the last one. Over REST the body of the
 * response is the rows, and its `Link` header has the cursor.
 */
export function page<Row extends z.ZodType>(row: Row) {
	return z.strictObject({ items: z.array(row), next: cursor.nullable() });
}

export type Page = z.output<ReturnType<typeof page>>;

/** Returns the schema of the rows of an action's pages; undefined if its result is not a page. */
export function rowsOf({ result }: Pick<ActionContract, "result">): z.ZodArray | undefined {
	const { items, next } = result instanceof z.ZodObject ? result.shape : {};
	return items instanceof z.ZodArray && next !== undefined ? items : undefined;
}

/** Reports whether all callers of an action over REST get the same response: then caches on the way may store it. */
export function isForAll({ rest, permissions }: Pick<ActionContract, "rest" | "permissions">): boolean {
	return rest?.method === "GET" && permissions === "public" && rest.headers === undefined;
}

/** Returns the path of the resource that a request created, with the version of its service; undefined if there is none. */
export function locationOf(
	{ rest }: Pick<ActionContract, "rest">,
	version: number,
	result: unknown,
): string | undefined {
	const path = rest?.isFound?.(result as never)
		? undefined
		: rest?.location?.replace(/:(\w+)/g, (_, field) =>
				encodeURIComponent(String((result as Record<string, unknown>)[field])),
			);
	return path && `/api/v${version}${path}`;
}

/** Header with which a client identifies a request that it may repeat. */
export const KEY_HEADER = "idempotency-key";

/** Key that a client chooses for one request; a repetition with the same key gets the same response. */
export const idempotencyKey = z
	.string()
	.regex(/^[\x21-\x7e]{1,255}$/, "must be 1 to 255 visible ASCII characters, for example a UUID")
	.meta({ examples: ["7c4a8d09-ca37-4f2e-9b65-1d0f6a3e5b21"] });

/**
 * Reports whether an action accepts an `Idempotency-Key` (middlewares/idempotency.ts): every action that changes data
 * over REST, unless its response contains secrets, or the key is one of its own parameters.
 */
export function takesKey({ rest, isSecret }: Pick<ActionContract, "rest" | "isSecret">): boolean {
	return rest !== undefined && rest.method !== "GET" && !isSecret && rest.headers?.[KEY_HEADER] === undefined;
}

/**
 * Contract of a service, and what its processes need. Its actions are named `v<version>.<name>.<action>`. Routes, documents,
 * settings, deployments and checks of its database follow from it.
 */
export interface ServiceContract<
	Name extends string = string,
	Version extends number = number,
	Actions extends Record<string, ActionContract> = Record<string, ActionContract>,
> {
	name: Name;
	version: Version;
	/** Its part of the shop in a few words, for documents. */
	about: string;
	/** Where its data are: in a PostgreSQL database of its own, named after it, or in the products' store. */
	store?: StoreKind;
	/** Stores of other services that it is given too, because its audit reads them. */
	audits?: readonly StoreKind[];
	/** Environment variables that it reads, in addition to those of all services and the address of its store. */
	variables?: { readonly [V in VariableName]?: VariableUse };
	/** The events of its outbox, by name, and their aggregate: `order` of `order:<id>`. */
	publishes?: { aggregate: string; events: Record<string, EventContract> };
	actions: Actions;
	/** Dates of deprecation and removal of a version, announced in its responses (RFC 9745, RFC 8594). */
	deprecated?: { since: Date; sunset: Date };
}

/** A kind of store, by the server that has it in production. */
export type StoreKind = "PostgreSQL" | "MongoDB";

/**
 * `required`: in production its process does not start without it; `optional`: deployments pass it on where it is set;
 * `rare`: deployments leave it out until somebody adds it.
 */
export type VariableUse = "required" | "optional" | "rare";

/** Declares an action and preserves the exact types of its schemas. */
export function action<P extends z.ZodObject, R extends z.ZodType>(
	definition: ActionContract<P, R>,
): ActionContract<P, R> {
	return definition;
}

/** Declares a service, keeping its exact type; a field that no contract has does not compile. */
export function contract<const C extends ServiceContract>(
	definition: C & { [Field in Exclude<keyof C, keyof ServiceContract>]: never },
): C {
	return definition;
}

/** Contract of an event by name and version. Names are in the past tense (`order.placed`). */
export interface EventContract<D extends z.ZodObject = z.ZodObject> {
	/** Description of the event, for the reference of events. */
	summary: string;
	version: number;
	data: D;
}

/** Declares an event. */
export function event<D extends z.ZodObject>(definition: EventContract<D>): EventContract<D> {
	return definition;
}

/** Declares the health check of a service and its database. */
export function healthAction<const S extends string>(service: S, path: string) {
	return action({
		summary: `Health of the ${service} and its database`,
		permissions: "public",
		params: z.strictObject({}),
		result: z.strictObject({ status: z.literal("healthy"), service: z.literal(service) }),
		rest: { method: "GET", path, outermost: true },
		idempotent: true,
		timeout_ms: 3000,
	});
}

/**
 * Removes a deleted user from the data of the service. Users calls it in every service that has it, at once and then by a job
 * that is retried until it succeeds; `remnants` of the service's audit.ts finds remaining data.
 */
export function forgetUserAction(summary: string) {
	return action({
		summary,
		permissions: "service",
		params: z.strictObject({ user_id: integerId }),
		result: z.null(),
		idempotent: true,
	});
}

/** Returns the outstanding work of a service with a database of jobs: its outbox and its jobs, failed ones included. */
export const outboxAction = action({
	summary: "The events and jobs of this service that are due or have failed",
	permissions: "admin",
	params: z.strictObject({}),
	result: z.array(
		z.strictObject({
			task: z.string(),
			attempts: z.int(),
			run_at: z.iso.datetime(),
			last_error: z.string().nullable(),
		}),
	),
	idempotent: true,
});

/** An event that a service could not handle, with the error and the original payload. */
export const deadLetter = z
	.strictObject({
		id: z.guid(),
		name: z.string(),
		payload: z.unknown(),
		error: z.string(),
		stack: z.string(),
		tries: z.int(),
		failed_at: z.iso.datetime(),
	})
	.meta({
		id: "DeadLetter",
		examples: [
			{
				id: "0d6c7a0b-93a5-4a0f-8f7e-0c9b6f4a1d22",
				name: "order.paid",
				payload: { name: "order.paid" },
				error: "it has no id, aggregate and sequence",
				stack: "NotAnEvent: …",
				tries: 5,
				failed_at: "2026-11-23T08:00:00.000Z",
			},
		],
	});

export type DeadLetter = z.output<typeof deadLetter>;
