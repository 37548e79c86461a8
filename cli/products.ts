import "./startup/startup-checks.ts";

import { settings } from "../config/settings.ts";
import { isTransient } from "../errors/kinds.ts";
import { fail } from "../hosting/fatal-error.ts";
import { interruption } from "../hosting/interruption.ts";
import { StartError } from "../infra/backing-services.ts";
import { checkConnection } from "../infra/connection-checks.ts";
import { type Direction, moveProducts, type Outcome } from "../tools/move/move.ts";
import { readArguments, usage } from "./arguments.mjs";
import { showProgress } from "./tables/progress.ts";

/** Value of an option that stands for the URL in the environment. */
const IN_ENVIRONMENT = "MONGO_URL";

/** `npm run products -- move --to URL`: moves the products of the NeDB file to a MongoDB server; `--from URL` back. */
async function start(): Promise<void> {
	const { direction, url } = readDirection();
	await checkConnection("MONGO_URL", url, false);
	const progress = showProgress();
	try {
		const interrupted = interruption({ needsReader: false });
		const outcome = await moveProducts(direction, url, progress.update, interrupted);
		progress.stop();
		report(direction, outcome);
	} catch (error) {
		if (isTransient(error)) {
			throw new StartError(
				`the move has stopped (${(error as Error).message}): run the command again, which goes on from there`,
			);
		}
		throw error;
	} finally {
		progress.stop();
	}
}

function readDirection(): { direction: Direction; url: string } {
	const { values, positionals } = readArguments("products");
	const { to, from } = values;
	const [command, ...rest] = positionals;
	if (command !== "move" || rest.length > 0 || (to === undefined) === (from === undefined)) {
		throw new StartError(`name what to do: ${usage("products")}`);
	}
	const argument = (to ?? from) as string;
	const url = argument === IN_ENVIRONMENT ? settings.mongoUrl : argument;
	if (url === undefined) {
		throw new StartError("MONGO_URL is not set: set it to the URL of the server, or give the URL instead");
	}
	if (argument !== IN_ENVIRONMENT && /^[^/]*\/\/[^/]*:[^/]*@/.test(argument)) {
		throw new StartError(
			"other users see the password in arguments: put the URL into MONGO_URL, and write --to MONGO_URL or --from MONGO_URL",
		);
	}
	return { direction: to === undefined ? "from" : "to", url };
}

function report(direction: Direction, { from, to, summary }: Outcome): void {
	const start = direction === "to" ? "with MONGO_URL set to that server" : "without MONGO_URL";
	if (!summary) {
		console.log(`products were moved from ${from} to ${to} before: start the shop ${start}`);
		return;
	}
	const { products, stock, holds, held, pages, restocks, groups, digest } = summary;
	console.log(
		`checked: both have ${products} products, ${stock} units in stock, ${held} units in ${holds} open holds, ${pages} pages of holds, ${restocks} restocks, ${groups} groups; digest ${digest.slice(0, 16)}`,
	);
	console.log(`moved ${products} products from ${from} to ${to}: start the shop ${start}`);
}

await start().catch(fail);
process.exit();
