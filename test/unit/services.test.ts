import { describe, expect, test } from "@jest/globals";
import type { ServiceSchema } from "moleculer";
import type { ServiceContract } from "../../contracts/contract.ts";
import { contracts, outboxes } from "../../contracts/services.ts";
import type { ServiceAudit } from "../../database/audit.ts";
import { isEventRef } from "../../events/envelope.ts";

describe.each<ServiceContract>([...contracts])("$name", ({ name, version, store, publishes, actions }) => {
	test("has a service of its name that has every action of the contract", async () => {
		const { default: service } = (await import(`../../services/${name}/${name}.service.ts`)) as {
			default: ServiceSchema;
		};
		expect(service).toMatchObject({ name, version });
		expect(Object.keys(service.actions ?? {}).sort()).toEqual(Object.keys(actions).sort());
	});

	test("tells its health, and what is left to do in a PostgreSQL database", () => {
		expect(actions).toHaveProperty("health");
		expect("outbox" in actions).toBe(store === "PostgreSQL");
	});

	if (publishes) {
		test("publishes events of aggregates of its own, of a kind that every consumer reads", () => {
			const { aggregate } = publishes;
			expect(isEventRef(`${aggregate}:1`, 1)).toBe(true);
			expect(outboxes).toHaveProperty(aggregate, name);
		});
	}

	if (store === "PostgreSQL") {
		test("has its database audited, and deleted users looked for where it forgets them", async () => {
			const { default: audit } = (await import(`../../services/${name}/audit.ts`)) as {
				default: ServiceAudit;
			};
			expect(audit.checks.length).toBeGreaterThan(0);
			expect(audit.remnants !== undefined).toBe("forgetUser" in actions);
		});
	}
});
