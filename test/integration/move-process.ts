/** A process that moves the products of the shop of the test that starts it, to be killed. It reports its progress. */
import { type Direction, moveProducts } from "../../tools/move/move.ts";

const [direction, url] = process.argv.slice(2) as [Direction, string];
const report = (share: number) => process.send?.({ share });
report(0);
await moveProducts(direction, url, report, new Promise<never>(() => undefined));
process.exit();
