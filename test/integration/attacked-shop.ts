import { expect } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { callAction } from "../../contracts/actions.ts";
import { asService } from "../../middlewares/permissions.ts";
import { type Sending, send } from "./rest.ts";
import { admin, newProduct, newUser, type Person, SERVICES, startNode } from "./shop.ts";

/** A shop with a victim, who has an order, and an attacker, who has an account. */
export class AttackedShop {
	broker!: ServiceBroker;
	/** Address of the gateway that `send` uses. */
	address!: string;
	victim!: Person;
	attacker!: Person;
	keeper!: Person;
	product_id!: string;
	order_id!: string;

	async start(): Promise<void> {
		this.broker = await startNode(...SERVICES, "api");
		const { gatewayAddress } = await import("../../services/api/api.service.ts");
		this.address = gatewayAddress(this.broker.getLocalService("api"));
		[this.victim, this.attacker] = await Promise.all([newUser(this.broker), newUser(this.broker)]);
		this.keeper = await admin(this.broker);
		this.product_id = (await newProduct(this.broker, 100)).id;
		const items = [{ product_id: this.product_id, quantity: 1 }];
		this.order_id = (await this.victim.call("v1.orders.place", { items })).id;
	}

	async stop(): Promise<void> {
		await this.broker.stop();
	}

	send(method: string, path: string, sending?: Sending) {
		return send(this.address, method, path, sending);
	}

	/** Expects the victim's order to be untouched and that there is no other admin. */
	async expectNoHarm(): Promise<void> {
		const { body } = await this.send("GET", `/api/v1/orders/${this.order_id}`, { as: this.victim });
		expect(body).toMatchObject({ status: "pending" });
		const { items: admins } = await callAction(this.broker, "v1.users.list", { limit: 100 }, asService());
		expect(admins.filter(({ role }) => role === "admin")).toHaveLength(1);
	}
}
