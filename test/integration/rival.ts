import type { ActionSchema, Context, Middleware, Service } from "moleculer";
import type { PayingService } from "../../services/orders/payments.ts";

type Act = () => Promise<unknown>;

/** Time at which a rival acts: `before` or `after` an action (`v1.products.reserve`) or a step of a service. */
type Point = `${"before" | "after"} ${string}`;

/**
 * Runs a concurrent operation at a named point of an action, so that a race has the same outcome every time. Points are
 * all actions of the node, every stored function that a service calls (`place_order`), every transaction (`a
 * transaction of users`) and every request to the payment provider (`charge`).
 */
export class Rival {
	#acts = new Map<Point, Act>();

	/** Runs a function once, the next time the point is reached; the action continues when it is done. */
	at(point: Point, act: Act): void {
		this.#acts.set(point, act);
	}

	/** Points not reached yet; empty after a test that raced. */
	get waiting(): Point[] {
		return [...this.#acts.keys()];
	}

	get middleware(): Middleware {
		const wrap = <A extends unknown[], R>(name: string, step: (...given: A) => Promise<R>) => {
			return async (...given: A): Promise<R> => {
				await this.#reached(`before ${name}`);
				const result = await step(...given);
				await this.#reached(`after ${name}`);
				return result;
			};
		};
		return {
			name: "Rival",
			localAction(next, action: ActionSchema) {
				return function actBeside(this: Service, ctx: Context) {
					return wrap(action.name as string, () => next.call(this, ctx))();
				};
			},
			serviceCreated(service: Service) {
				const paying = service as unknown as Partial<PayingService>;
				const { pool, provider, transaction } = paying;
				if (pool) {
					const query = pool.query.bind(pool) as (...given: unknown[]) => Promise<unknown>;
					pool.query = ((sql: unknown, ...given: unknown[]) => {
						const text = String(sql);
						const [, step] =
							/LATERAL (\w+)\(/.exec(text) ?? /^\s*SELECT (?:\* FROM |place, )?(\w+)\(/.exec(text) ?? [];
						return step ? wrap(step, () => query(sql, ...given))() : query(sql, ...given);
					}) as never;
				}
				if (transaction) {
					paying.transaction = wrap(`a transaction of ${service.name}`, transaction.bind(service)) as never;
				}
				if (provider) {
					for (const step of ["charge", "cancel", "refund"] as const) {
						provider[step] = wrap(step, provider[step] as never) as never;
					}
				}
			},
		};
	}

	async #reached(point: Point): Promise<void> {
		const act = this.#acts.get(point);
		this.#acts.delete(point);
		await act?.();
	}
}
