import type { OtherShop } from "./other-shop.ts";
import { Shopify } from "./shopify.ts";
import { WooCommerce } from "./woocommerce.ts";

/** Shops whose product exports are read, `--from`. */
const SHOPS = { shopify: Shopify, woocommerce: WooCommerce };

export type ShopName = keyof typeof SHOPS;

export function isShopName(name: string): name is ShopName {
	return Object.hasOwn(SHOPS, name);
}

export function otherShop(name: ShopName): OtherShop {
	return new SHOPS[name]();
}
