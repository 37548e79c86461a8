import { Browser } from "../browser.ts";
import { client, logIn, newFolder, type Request, signUp, startShop } from "../shop-process.ts";

const WIDTH = 900;
const ADMIN = { email: "admin@toko.test", password: "rahasia-sekali" };

/** Returns a picture of the same invoice in each language of the shop, as PNG, from a shop of its own. */
export async function invoicePictures(program: string): Promise<Record<"id" | "en", Buffer>> {
	const { address } = await startShop(newFolder(), {
		...{ ADMIN_PASSWORD: ADMIN.password, TAX_RATE: "11", TZ: "Asia/Jakarta" },
		INVOICE_SELLER: "Toko Budi\\nJalan Asia Afrika 8\\nBandung 40111\\nNPWP 01.234.567.8-901.000",
	});
	const request = client(address);
	const token = await signUp(request, "siti");
	const path = await invoiceOf(request, token, await logIn(request, ADMIN.email, ADMIN.password));
	const browser = await Browser.open(program);
	try {
		const picture = async (language: string) => {
			const headers = { authorization: `Bearer ${token}`, "accept-language": language };
			await browser.load(`${address}${path}`, headers);
			return browser.picture(WIDTH);
		};
		return { id: await picture("id"), en: await picture("en") };
	} finally {
		await browser.close();
	}
}

/** Places and pays an order with a voucher, a fee and a tax. Returns the address of its invoice. */
async function invoiceOf(request: Request, token: string, admin: string): Promise<string> {
	const post = async (path: string, as: string, body: object) => {
		const { status, body: answer } = await request("POST", `/api/v1${path}`, { token: as, body });
		if (status >= 300) {
			throw new Error(`POST ${path}: ${status} ${JSON.stringify(answer)}`);
		}
		return answer;
	};
	await post("/vouchers", admin, { code: "HEMAT10", kind: "percent", value: 10 });
	await post("/shipping-methods", admin, {
		...{ code: "jne-reg", name: "JNE Reguler", zones: [{ country: "ID" }] },
		...{ bands: [{ up_to_g: 1000, fee: 9000 }], per_extra_kg: 5000 },
	});
	const group = await post("/product-groups", admin, {
		...{ name: "Kaos polos", description: "Katun", category: "kaos", options: ["ukuran", "warna"] },
	});
	const shirt = await post("/products", admin, {
		...{ name: "Kaos polos lengan panjang", description: "Katun", category: "kaos", price: 89_999, stock: 9 },
		...{ group_id: group.id, options: { ukuran: "M", warna: "Merah" }, weight_g: 250 },
	});
	const { body: found } = await request("GET", "/api/v1/products?limit=2&in_stock=true");
	const order = await post("/orders", token, {
		items: [
			{ product_id: shirt.id, quantity: 3 },
			...found.map(({ id }: { id: string }, place: number) => ({ product_id: id, quantity: place + 1 })),
		],
		...{ voucher_code: "HEMAT10", shipping_method: "jne-reg" },
		address: {
			...{ recipient: "Siti Nurhaliza", phone: "+628112345678", line1: "Jalan Braga 12" },
			...{ city: "Bandung", province: "Jawa Barat", postal_code: "40111" },
		},
	});
	await post(`/orders/${order.id}/pay`, token, {});
	return `/api/v1/orders/${order.id}/invoice`;
}
