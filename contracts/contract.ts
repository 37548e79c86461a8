import { z } from "zod";
import type { VariableName } from "../config/variables.ts";
import { integerId } from "./fields.ts";
import type { ProblemCode } from "./problems.ts";

/**
 * Who may call an action. `public`: anybody; `user`: any signed-in person (an admin too); `admin`: admins;
 * `service`: Toko's own services, never a person; they may do what an admin may.
 */
export type Permission = "public" | "user" | "admin" | "service";

/**
 * Where an action answers over HTTP, below `/api/v<version>`. Parameters come from `:name` segments of the path, then
 * from the body (POST, PUT, PATCH) or the query string (GET, DELETE); `query` and `headers` name the exceptions.
 */
export interface Rest {
	method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
	path: string;
	/** The status of a good answer; 200 when left out. */
	status?: 200 | 201 | 202 | 204;
	/** Another good status that the action may choose by `ctx.meta.$statusCode`. */
	otherStatus?: 200 | 201 | 202;
	/** Parameters that come from the query string although the method has a body. */
	query?: readonly string[];
	/** Header name (lower case) to parameter name. */
	headers?: Readonly<Record<string, string>>;
	/** The parameter that gets the whole body as it came, for actions that check its signature; `body` documents it. */
	raw?: { param: string; body: z.ZodObject };
	/** Below the server's root instead of `/api`. */
	outermost?: boolean;
}

/** What callers know of an action. The same schemas validate, type `ctx.call` and become the API's document. */
export interface ActionContract<P extends z.ZodObject = z.ZodObject, R extends z.ZodType = z.ZodType> {
	summary: string;
	permissions: Permission;
	/** What can go wrong beside what can go wrong everywhere, for the API's document. */
	problems?: readonly ProblemCode[];
	/** Parameters as somebody would give them, for the API's document. */
	example?: z.input<P>;
	params: P;
	result: R;
	rest?: Rest;
	/** True only where a second run of the same call changes nothing more: such calls are retried. */
	idempotent?: boolean | ((params: z.output<P>) => boolean);
	/** Its answers are cached by callers: only what is `public`, so that nobody gets what is for others. */
	cached?: Cached<z.output<P>>;
	/**
	 * Names what the call changes: things as `cached.about` names them, such as `product:<id>`, and kinds of things, such as
	 * `product`, of which lists change. Cached answers about those things are invalid for everybody, and so are lists of those
	 * kinds in the process that made the call. Whoever made it is shown no older list of the named things' kinds either.
	 */
	changes?: (params: z.output<P>) => string[];
	/** Its answer holds secrets, and is kept nowhere. */
	isSecret?: true;
	/** Deadline for the whole call, nested calls included; the broker's default when left out. */
	timeout_ms?: number;
}

/** How long an answer may be shown before it is asked for again. */
export interface Cached<P = unknown> {
	fresh_ms: number;
	/** The one thing that the answer depends on, such as `product:<id>`; left out where it depends on many. */
	about?: (params: P) => string;
	/** The kind of things that a list depends on, such as `product`; left out where it depends on things of any kind. */
	among?: string;
}

/** The kind of a thing: `product` of `product:<id>`, and of `product`. */
export function kindOf(thing: string): string {
	return thing.split(":", 1)[0] as string;
}

/**
 * In a call's options: the parameters as the contract reads them, where the caller's side has read them, so that a process
 * reads them once. Options do not travel to other processes.
 */
export const PARSED = Symbol("parsed");

/** What can hold them. */
export interface Parsed {
	[PARSED]?: unknown;
}

/**
 * The parameters of a call that has succeeded, as its contract reads them: its callee has read them where it is in this process.
 *
 * @param ctx The call's context, which the promise of a broker's `call` has.
 */
export function paramsOf(
	{ params: schema }: Pick<ActionContract, "params">,
	given: unknown,
	ctx: { params: unknown; endpoint?: { local?: boolean } | null } | undefined,
): Record<string, unknown> | undefined {
	return ctx?.endpoint?.local ? (ctx.params as Record<string, unknown>) : schema.safeParse(given ?? {}).data;
}

/** The header by which a client names a request that it may repeat. */
export const KEY_HEADER = "idempotency-key";

/** Chosen by the client for one request; the same key again gets the same answer. */
export const idempotencyKey = z
	.string()
	.regex(/^[\x21-\x7e]{1,255}$/, "must be 1 to 255 visible ASCII characters, for example a UUID")
	.meta({ examples: ["7c4a8d09-ca37-4f2e-9b65-1d0f6a3e5b21"] });

/**
 * Whether the action takes an `Idempotency-Key` (middlewares/idempotency.ts): each that changes something over REST, unless
 * its answer holds secrets, or it has the key among its own parameters.
 */
export function takesKey({ rest, isSecret }: Pick<ActionContract, "rest" | "isSecret">): boolean {
	return rest !== undefined && rest.method !== "GET" && !isSecret && rest.headers?.[KEY_HEADER] === undefined;
}

/**
 * What a service promises to the others, and what its processes need. Actions are called `v<version>.<name>.<action>`. What
 * the shop has to know of a service follows from this: routes, documents, settings, deployments, checks of its database.
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
	store?: "PostgreSQL" | "MongoDB";
	/** Variables of the environment that it reads, beside those of all services and the address of its store. */
	variables?: { readonly [V in VariableName]?: VariableUse };
	/** The events of its outbox, by name, and their aggregate: `order` of `order:<id>`. */
	publishes?: { aggregate: string; events: Record<string, EventContract> };
	actions: Actions;
	/** A version that is on its way out: since when, and until when it answers. Its answers say so (RFC 9745, RFC 8594). */
	deprecated?: { since: Date; sunset: Date };
}

/**
 * `required`: in production its process does not start without it; `optional`: deployments pass it on where it is set;
 * `rare`: deployments leave it out until somebody adds it.
 */
export type VariableUse = "required" | "optional" | "rare";

/** Declares one action, keeping the exact types of its schemas. */
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

/** An event's data by its name and version; names are past tense (`order.placed`). */
export interface EventContract<D extends z.ZodObject = z.ZodObject> {
	/** What happened, for the reference of events. */
	summary: string;
	version: number;
	data: D;
}

/** Declares one event. */
export function event<D extends z.ZodObject>(definition: EventContract<D>): EventContract<D> {
	return definition;
}

/** The health of one service: whether it and its database answer. */
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
 * Takes a deleted user out of what the service keeps. Users has it called in every service that has it, at once and then by a
 * job that is tried until it succeeds; `remnants` of the service's audit.ts finds what it has left.
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

/** What a service with a database of jobs has to do now: its outbox and its other jobs, failed ones included. */
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

/** An event that a service could not take in, with why and as it came. */
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
