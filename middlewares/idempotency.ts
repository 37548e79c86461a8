import { createHmac } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import type { ActionSchema, Context, Middleware, Service } from "moleculer";
import { deriveKey } from "../config/settings.ts";
import { type ActionContext, actionContract, type Meta } from "../contracts/actions.ts";
import { type ActionContract, takesKey } from "../contracts/contract.ts";
import { type ProblemCode, problemCode } from "../contracts/problem-codes.ts";
import { type ProblemData, problem } from "../contracts/problems.ts";
import { isAboutRequest } from "../errors/kinds.ts";
import { IdempotencyRecords, NO_OWNER, RecordsUnavailable } from "../nats/idempotency-records.ts";
import { DEADLINE_MS, WAIT_PART } from "./resilience.ts";

/** Maximum age of a client's request: an older call may duplicate one whose protection has expired. */
const ASKED_MAX_MS = 60 * 60_000;
const FIRST_POLL_MS = 25;
const POLL_MAX_MS = 250;

/** Response to a request. */
type Answer = { result: unknown } | { refused: { code: ProblemCode; data: ProblemData } };

interface KeyedRequest {
	/** Identifies the caller's key. */
	name: string;
	/** Identifies the whole request: caller, key, action and parameters. */
	id: string;
	/** True for the key of a user, a service or a cart; false if anybody may have chosen the same. */
	isOwned: boolean;
	/** False for strangers: their refusals are cheap to repeat, and could fill the disk. */
	areRefusalsStored: boolean;
}

/** Owner of a key. Only the action knows whether the token of a cart is right. */
interface Owner {
	name: string | number;
	isVerified: boolean;
}

type Claim = { revision: number; isRepetition: boolean } | { answer: Answer } | "alone";
type Run = () => Promise<unknown>;
type Keyed = Context<Record<string, unknown>, Meta> & Pick<ActionContext, "locals">;

/**
 * Returns the first response to repeated requests with the same `Idempotency-Key`, for 24 hours; while the first
 * request is in flight, waits for it. Handlers find the request's id in `ctx.locals.key_id`, by which they protect
 * effects that must not be repeated: without JetStream a repeated request runs again.
 *
 * The innermost middleware, so that the caller is known and the parameters are normalized by the contract.
 */
export function idempotencyMiddleware(): Middleware {
	let records: IdempotencyRecords;
	let key: Buffer | undefined;

	return {
		name: "Idempotency",
		created(broker) {
			records = new IdempotencyRecords(broker);
		},
		localAction(next, action: ActionSchema) {
			const name = action.name as string;
			const contract = actionContract(name);
			if (!contract || !takesKey(contract)) {
				return next;
			}
			return async function answerOnce(this: Service, ctx: Keyed) {
				const requested = ctx.meta.idempotency;
				if (!requested) {
					return next.call(this, ctx);
				}
				if (Date.parse(requested.asked_at) < Date.now() - ASKED_MAX_MS) {
					throw problem("KEY_IN_USE");
				}
				const owner = await ownerOf(ctx, contract);
				const request = keyedRequest(ctx, name, requested.key, owner);
				ctx.locals = { ...ctx.locals, key_id: request.id };
				const run = () => next.call(this, ctx);
				// Not for calls made by the client's action, nor for harmless ones of strangers, who could fill the disk.
				const isCached = requested.action === name && (request.isOwned || !contract.idempotent);
				return isCached ? once(ctx, request, run) : run();
			} as never;
		},
	};

	function keyedRequest(
		ctx: Keyed,
		action: string,
		clientKey: string,
		owner: Owner | undefined,
	): KeyedRequest {
		const isOwned = owner !== undefined;
		const named = [owner?.name ?? "anybody", clientKey];
		const id = digest([...named, action, ctx.params]);
		const areRefusalsStored = isOwned && owner.isVerified;
		// Anonymous callers who use the same key do not conflict.
		return { name: isOwned ? digest(named) : id, id, isOwned, areRefusalsStored };
	}

	/** Returns whose key it is: a user's, a service's, or that of the token of a cart; undefined if anybody may have chosen it. */
	async function ownerOf(ctx: Keyed, { permissions, isOwned }: ActionContract): Promise<Owner | undefined> {
		const { locals, meta, params } = ctx;
		if (permissions !== "public") {
			return { name: locals.caller?.id ?? "service", isVerified: true };
		}
		if (!isOwned) {
			return undefined;
		}
		if (meta.token !== undefined) {
			const { id } = await (ctx as unknown as ActionContext).call("v1.users.verify", {});
			return { name: id, isVerified: true };
		}
		const { cart_token } = params as { cart_token?: string };
		return cart_token === undefined ? undefined : { name: cart_token, isVerified: false };
	}

	/** Returns a keyed hash: parameters contain passwords, which must not be guessable from it. */
	function digest(values: unknown[]): string {
		key ??= deriveKey("names of requests");
		return createHmac("sha256", key).update(JSON.stringify(values)).digest("base64url").slice(0, 32);
	}

	async function once(ctx: Keyed, request: KeyedRequest, run: Run): Promise<unknown> {
		const { timeout = DEADLINE_MS } = ctx.options as { timeout?: number };
		const claim = await claimFor(request, WAIT_PART * (timeout || DEADLINE_MS));
		if (claim === "alone") {
			// Nobody knows whether an earlier attempt has run.
			ctx.locals.is_repetition = true;
			return run();
		}
		if ("answer" in claim) {
			return replay(claim.answer);
		}
		ctx.locals.is_repetition = claim.isRepetition;
		return runAndKeep(request, claim.revision, run);
	}

	/** Claims the request for this call, or returns the response to an earlier one. */
	async function claimFor(request: KeyedRequest, patience_ms: number): Promise<Claim> {
		const deadline = performance.now() + patience_ms;
		const mine = { id: request.id, life: records.life };
		try {
			for (let pause_ms = FIRST_POLL_MS; ; pause_ms = Math.min(2 * pause_ms, POLL_MAX_MS)) {
				const created = await records.create(request.name, mine);
				if (created !== undefined) {
					return { revision: created, isRepetition: false };
				}
				const found = await records.read(request.name);
				if (found?.record && found.record.id !== request.id) {
					throw problem("KEY_REUSED");
				}
				if (found?.record?.answer) {
					return { answer: found.record.answer as Answer };
				}
				if (found && (await records.isAbandoned(found))) {
					const revision = await records.replace(request.name, mine, found.revision);
					if (revision !== undefined) {
						return { revision, isRepetition: true };
					}
				}
				if (performance.now() + pause_ms > deadline) {
					throw problem("KEY_IN_USE");
				}
				await wait(pause_ms);
			}
		} catch (error) {
			if (error instanceof RecordsUnavailable) {
				return "alone";
			}
			throw error;
		}
	}

	async function runAndKeep(request: KeyedRequest, revision: number, run: Run): Promise<unknown> {
		try {
			const result = await run();
			await keep(request, revision, { result });
			return result;
		} catch (error) {
			await keep(request, revision, request.areRefusalsStored ? refusalOf(error) : undefined);
			throw error;
		}
	}

	/**
	 * Stores the response. Without one, the next attempt runs the request again at once, and knows that it was begun
	 * before.
	 */
	async function keep({ name, id }: KeyedRequest, revision: number, answer: Answer | undefined) {
		try {
			await records.replace(name, { id, life: answer ? records.life : NO_OWNER, answer }, revision);
		} catch (error) {
			if (!(error instanceof RecordsUnavailable)) {
				throw error;
			}
		}
	}
}

function refusalOf(error: unknown): Answer | undefined {
	const code = problemCode(error);
	if (!code || !isAboutRequest(code)) {
		return undefined;
	}
	return { refused: { code, data: (error as { data?: ProblemData }).data ?? {} } };
}

function replay(answer: Answer): unknown {
	if ("refused" in answer) {
		throw problem(answer.refused.code, answer.refused.data);
	}
	return answer.result;
}
