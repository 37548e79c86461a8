import type { HoldPage } from "../../services/products/documents.ts";
import type { Stock } from "./snapshot.ts";

/** Returns the ids of the hold pages that a product lists, or none if the list is malformed. */
export function listedPages({ hold_pages }: Pick<Stock, "hold_pages">): string[] {
	return typeof hold_pages === "object" && hold_pages !== null ? Object.keys(hold_pages) : [];
}

/** Returns the product with those of the pages that it lists. */
export function withPages(product: Stock, pages: ReadonlyMap<string, HoldPage>): Stock {
	return { ...product, pages: listedPages(product).flatMap((id) => pages.get(id) ?? []) };
}
