import { setTimeout as wait } from "node:timers/promises";
import type { SeededRandom } from "../seeded-random.ts";
import type { Cluster } from "./cluster.ts";

const KINDS = ["kill", "freeze", "restart NATS", "restart PostgreSQL", "power cut"] as const;
type Kind = (typeof KINDS)[number];

/** Deck of faults, drawn without replacement and reshuffled when empty, so that each kind occurs in every round. */
const DECK: Kind[] = [
	...Array<Kind>(6).fill("kill"),
	...Array<Kind>(2).fill("freeze"),
	"restart NATS",
	"restart PostgreSQL",
	"power cut",
];

/** Shortest and longest freeze, longer than the deadlines of calls. */
const FREEZE_MS: [number, number] = [11_000, 17_000];

/** Injects faults into the cluster, one after the other, until stopped. */
export class Faults {
	done = new Map<Kind, number>(KINDS.map((kind) => [kind, 0]));
	#cluster: Cluster;
	#random: SeededRandom;
	#isOver = false;
	#frozen: Promise<void>[] = [];

	constructor(cluster: Cluster, random: SeededRandom) {
		this.#cluster = cluster;
		this.#random = random;
	}

	stop(): void {
		this.#isOver = true;
	}

	/** @param pause_ms Shortest and longest time between two faults. */
	async run(pause_ms: [number, number], log: (line: string) => void): Promise<void> {
		for (let deck: Kind[] = []; ; deck = deck.slice(1)) {
			await wait(this.#random.between(...pause_ms));
			if (this.#isOver) {
				break;
			}
			deck = deck.length === 0 ? this.#random.shuffle(DECK) : deck;
			const kind = deck[0] as Kind;
			log(await this.#do(kind));
			this.done.set(kind, (this.done.get(kind) ?? 0) + 1);
		}
		await Promise.all(this.#frozen);
	}

	async #do(kind: Kind): Promise<string> {
		const name = this.#random.pick(this.#cluster.services);
		switch (kind) {
			case "kill":
				this.#cluster.kill(name);
				return `killed ${name}`;
			case "freeze": {
				const ms = this.#random.between(...FREEZE_MS);
				this.#frozen.push(this.#cluster.freeze(name, ms));
				return `froze ${name} for ${Math.round(ms / 1000)} s`;
			}
			case "restart NATS":
				this.#cluster.killServer("NATS");
				return "killed NATS";
			case "restart PostgreSQL":
				this.#cluster.killServer("PostgreSQL");
				return "killed PostgreSQL";
			case "power cut": {
				const started_at = Date.now();
				await this.#cluster.powerCut();
				return `cut the power; ready again after ${((Date.now() - started_at) / 1000).toFixed(1)} s`;
			}
		}
	}
}
