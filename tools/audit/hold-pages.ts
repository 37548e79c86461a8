import type { HoldPage } from "../../services/products/documents.ts";
import type { Stock } from "./snapshot.ts";

/** The ids of the pages of holds that a product lists, whatever form its list has. */
export function listedPages({ hold_pages }: Pick<Stock, "hold_pages">): string[] {
	return typeof hold_pages === "object" && hold_pages !== null ? Object.keys(hold_pages) : [];
}

/** The product with those of these pages that it lists. */
export function withPages(product: Stock, pages: ReadonlyMap<string, HoldPage>): Stock {
	return { ...product, pages: listedPages(product).flatMap((id) => pages.get(id) ?? []) };
}
