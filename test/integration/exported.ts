/** Cells of a line by the name of their column. */
export type Cells = Record<string, string>;

/** Returns a CSV file with these columns. */
export function csv(columns: string[], ...rows: Cells[]): string {
	const line = (cells: string[]) => cells.map((text) => `"${text.replaceAll('"', '""')}"`).join(",");
	return `${[line(columns), ...rows.map((row) => line(columns.map((name) => row[name] ?? "")))].join("\r\n")}\r\n`;
}

/** Columns of an export of Shopify since 2024. */
export const NEW = [
	"Title,URL handle,Description,Vendor,Product category,Type,Tags,Published on online store,Status,SKU,Barcode,Option1 name,Option1 value",
	"Option1 Linked To,Option2 name,Option2 value,Option2 Linked To,Option3 name,Option3 value,Option3 Linked To,Price,Compare-at price",
	"Cost per item,Charge tax,Tax code,Inventory tracker,Inventory quantity,Continue selling when out of stock,Weight value (grams)",
	"Weight unit for display,Requires shipping,Fulfillment service,Product image URL,Image position,Image alt text,Variant image URL,Gift card",
].flatMap((line) => line.split(","));

/** Columns of an export of WooCommerce. */
export const WOO = [
	"ID,Type,SKU,GTIN,Name,Published,Is featured?,Visibility in catalog,Short description,Description,Date sale price starts",
	"Date sale price ends,Tax status,Tax class,In stock?,Stock,Low stock amount,Backorders allowed?,Sold individually?,Weight (kg)",
	"Length (cm),Sale price,Regular price,Categories,Tags,Shipping class,Images,Parent,Grouped products,Upsells,Position",
	"Attribute 1 name,Attribute 1 value(s),Attribute 1 visible,Attribute 1 global,Attribute 2 name,Attribute 2 value(s)",
].flatMap((line) => line.split(","));
