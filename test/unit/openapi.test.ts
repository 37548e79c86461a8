import { readFile } from "node:fs/promises";
import { describe, expect, test } from "@jest/globals";
import { createConfig, lintFromString } from "@redocly/openapi-core";
import { z } from "zod";
import { generatedFiles } from "../../cli/generated/generated-files.ts";
import { allActions } from "../../contracts/actions.ts";
import { rowsOf } from "../../contracts/contract.ts";
import { openApiDocument } from "../../services/api/openapi.ts";

test("the API's document passes the strictest rules of a public linter", async () => {
	const config = await createConfig({ extends: ["recommended-strict"] });
	const problems = await lintFromString({ source: JSON.stringify(openApiDocument()), config });
	expect(problems.map(({ ruleId, message }) => `${ruleId}: ${message}`)).toEqual([]);
});

test("the files that `npm run openapi` writes are as the contracts are", async () => {
	for (const [file, text] of await generatedFiles()) {
		expect({ file: file.pathname, isNew: (await readFile(file, "utf8")) === text }).toEqual({
			file: file.pathname,
			isNew: true,
		});
	}
});

describe("every address", () => {
	const withAddress = [...allActions()].filter(([, { contract }]) => contract.rest);

	test.each(withAddress)(
		"%s has an example of what it takes, where it needs something",
		(_, { contract }) => {
			const { method, raw } = contract.rest as NonNullable<typeof contract.rest>;
			const needsBody =
				method !== "GET" && method !== "DELETE" && !raw && !contract.params.safeParse({}).success;
			const takesMoreThanPath = Object.keys(contract.params.shape).some(
				(field) => !contract.rest?.path.includes(`:${field}`) && !contract.rest?.query?.includes(field),
			);
			if (needsBody && takesMoreThanPath) {
				expect(contract.example).toBeDefined();
			}
			if (contract.example) {
				expect(contract.params.safeParse(contract.example).error?.issues ?? []).toEqual([]);
			}
		},
	);

	const creating = withAddress.filter(([, { contract }]) => contract.rest?.location);

	test.each(creating)("%s leads to an address that exists, by fields of its result", (_, { contract }) => {
		const location = contract.rest?.location as string;
		const reading = withAddress.filter(
			([, { contract: other }]) => other.rest?.method === "GET" && other.rest.path === location,
		);
		expect(reading).toHaveLength(1);
		for (const [, field] of location.matchAll(/:(\w+)/g)) {
			expect((contract.result as z.ZodObject).shape).toHaveProperty(field as string);
		}
	});

	test.each(withAddress)("%s has an example of what it answers that is one", (_, { contract }) => {
		const result = rowsOf(contract) ?? contract.result;
		const results = result instanceof z.ZodArray ? [result.element as z.ZodType] : [result];
		for (const result of results) {
			for (const example of (result.meta()?.examples as unknown[] | undefined) ?? []) {
				expect(result.safeParse(example).error?.issues ?? []).toEqual([]);
			}
		}
	});
});
