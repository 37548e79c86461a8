import { table as draw, getBorderCharacters } from "table";
import { settings } from "../../config/settings.ts";
import type { NewAdmin } from "../../hosting/seed.ts";
import type { BackingService } from "../../infra/backing-services.ts";

/** Returns the table that an operator sees when the shop is up. */
export function table(shop: {
	address?: string;
	backingServices: BackingService[];
	admin: NewAdmin | undefined;
}): string {
	const rows: [string, string][] = [];
	if (shop.address) {
		rows.push(["API", `${shop.address}/api/v1`], ["Docs", `${shop.address}/docs`]);
	}
	for (const { name, took, where } of shop.backingServices) {
		rows.push([name, `${took}, ${where}`]);
	}
	if (shop.admin) {
		const password = shop.admin.password
			? `password ${shop.admin.password} (shown only now)`
			: "password as in ADMIN_PASSWORD";
		rows.push(["Admin", `${shop.admin.email}, ${password}`]);
	}
	if (shop.address) {
		const { TOKO_DIR } = settings.variables;
		const inThisFolder = TOKO_DIR ? `TOKO_DIR=${TOKO_DIR} ` : "";
		rows.push(
			["Try", `curl '${shop.address}/api/v1/products?limit=3'`],
			["", `echo 'mails' | ${inThisFolder}npm run -s repl`],
			["", `${inThisFolder}npm run node -- orders notifications`],
		);
	}
	return draw(rows, {
		border: getBorderCharacters("void"),
		columnDefault: { paddingLeft: 0, paddingRight: 2 },
		drawHorizontalLine: () => false,
	}).trimEnd();
}
