import { MongoClient } from "mongodb";
import type { ProductDocument } from "../../../services/products/documents.ts";
import { newDocument } from "../../../services/products/model.ts";
import { SeededRandom } from "../../seeded-random.ts";
import { namespace } from "../../shop-process.ts";
import { CATEGORIES, WORDS } from "../words.ts";

const BATCH = 1000;
const LOG_EVERY = 50_000;
const STOCK = 1000;

/** Products written directly into the store in the same form as the service writes them. */
export class Catalogue {
	#url: string;
	#random = new SeededRandom(1);
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
	async grow(products: number, until_ms: number, log: (line: string) => void): Promise<number> {
		const client = await MongoClient.connect(this.#url);
		try {
			const collection = client.db(`${namespace}_products`).collection<ProductDocument>("products");
			let total = await collection.countDocuments({});
			let next = this.#documents(Math.min(BATCH, products - total));
			while (next.length > 0 && performance.now() < until_ms) {
				const started_at = performance.now();
				const writing = collection.insertMany(next, { ordered: false }).catch(ignoreDuplicates);
				this.#ids.push(...next.map(({ _id }) => _id));
				total += next.length;
				const { length } = next;
				next = this.#documents(Math.min(BATCH, products - total));
				await writing;
				this.per_second = (length * 1000) / (performance.now() - started_at);
				if (total % LOG_EVERY < length) {
					log(`wrote ${total.toLocaleString("en")} products, ${this.per_second.toFixed(0)} a second`);
				}
			}
			return total;
		} finally {
			await client.close();
		}
	}

	#documents(times: number): ProductDocument[] {
		return Array.from({ length: Math.max(0, times) }, () => {
			const number = this.#ids.length;
			const name = `${this.#random.shuffle(WORDS).slice(0, 3).join(" ")} ${this.#random.between(1, 1_000_000)}`;
			const price = this.#random.between(1, 1000) * 1000;
			const category = this.#random.pick(CATEGORIES);
			const fields = { name, description: "", price, stock: STOCK, category };
			return newDocument(fields, `growth-${number}-${this.#random.between(0, 1e9)}`);
		});
	}
}

const DUPLICATE_KEY = 11_000;

/** Ignores duplicate keys: the driver retries a batch if the server responds slowly. */
function ignoreDuplicates(error: { code?: number }): void {
	if (error.code !== DUPLICATE_KEY) {
		throw error;
	}
}
