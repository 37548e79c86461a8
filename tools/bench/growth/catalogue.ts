import { MongoClient } from "mongodb";
import { settings } from "../../../config/settings.ts";
import type { ProductDocument } from "../../../services/products/documents.ts";
import { newDocument } from "../../../services/products/model.ts";
import { SeededRandom } from "../../seeded-random.ts";
import { CATEGORIES, WORDS } from "../words.ts";

const BATCH = 1000;
const SAY_EVERY = 50_000;
const STOCK = 1000;

/** Products written directly into the store in the same form as the service writes them. */
export class Catalogue {
	#url: string;
	#chance = new SeededRandom(1);
	#ids: string[] = [];
	/** Products written per second in the latest batch. */
	per_second = 0;

	/** @param url URL of the MongoDB server. */
	constructor(url: string) {
		this.#url = url;
	}

	/** Ids of all products written by this object. */
	get ids(): readonly string[] {
		return this.#ids;
	}

	/**
	 * Writes products until the store has this number, or until the deadline. Returns the number of products in the
	 * store.
	 */
	async grow(products: number, until_ms: number, say: (line: string) => void): Promise<number> {
		const client = await MongoClient.connect(this.#url);
		try {
			const collection = client.db(`${settings.namespace}_products`).collection<ProductDocument>("products");
			let there = await collection.countDocuments({});
			let next = this.#documents(Math.min(BATCH, products - there));
			while (next.length > 0 && performance.now() < until_ms) {
				const begun = performance.now();
				const writing = collection.insertMany(next, { ordered: false }).catch(unlessThere);
				this.#ids.push(...next.map(({ _id }) => _id));
				there += next.length;
				const { length } = next;
				next = this.#documents(Math.min(BATCH, products - there));
				await writing;
				this.per_second = (length * 1000) / (performance.now() - begun);
				if (there % SAY_EVERY < length) {
					say(`wrote ${there.toLocaleString("en")} products, ${this.per_second.toFixed(0)} a second`);
				}
			}
			return there;
		} finally {
			await client.close();
		}
	}

	#documents(times: number): ProductDocument[] {
		return Array.from({ length: Math.max(0, times) }, () => {
			const number = this.#ids.length;
			const name = `${this.#chance.shuffle(WORDS).slice(0, 3).join(" ")} ${this.#chance.between(1, 1_000_000)}`;
			const price = this.#chance.between(1, 1000) * 1000;
			const category = this.#chance.pick(CATEGORIES);
			const given = { name, description: "", price, stock: STOCK, category };
			return newDocument(given, `growth-${number}-${this.#chance.between(0, 1e9)}`);
		});
	}
}

const DUPLICATE_KEY = 11_000;

/** Ignores duplicate keys: the driver retries a batch if the server responds slowly. */
function unlessThere(error: { code?: number }): void {
	if (error.code !== DUPLICATE_KEY) {
		throw error;
	}
}
