import type { ServiceBroker } from "moleculer";
import type { DocumentService } from "../../mixins/documents.ts";
import type { PayingService } from "../../services/orders/payments.ts";
import type { ProductDocument } from "../../services/products/documents.ts";
import type { Sweeper } from "../../services/products/sweeper.ts";
import { Rival } from "./rival.ts";
import { newUser, type Person, startNodeWith, stockOf } from "./shop.ts";

/** A shop with two buyers, in which a rival acts at named points. */
export class RacingShop {
	readonly rival = new Rival();
	broker!: ServiceBroker;
	ani!: Person;
	budi!: Person;

	async start(): Promise<void> {
		this.broker = await startNodeWith([this.rival.middleware], "users", "products", "orders");
		[this.ani, this.budi] = [await newUser(this.broker), await newUser(this.broker)];
	}

	async stop(): Promise<void> {
		await this.broker.stop();
	}

	get orders(): PayingService {
		return this.#service("orders");
	}

	get products(): DocumentService<ProductDocument> & { sweeper: Sweeper } {
		return this.#service("products");
	}

	stock(id: string) {
		return stockOf(this.broker, id);
	}

	#service<S>(name: string): S {
		return this.broker.getLocalService({ name, version: 1 }) as unknown as S;
	}
}
