/** Response of a service: an HTTP status and a JSON body. */
export interface Reply {
	status: number;
	body: string;
}

/** An action of a service. */
export type Action = (data: never) => Reply | Promise<Reply>;

/** The actions of a service, by name. */
export type Service = Record<string, Action>;

/** Calls an action, such as `orders.place`, in this or another process. */
export type Call = (action: string, data: object) => Reply | Promise<Reply>;

export function ok(body: unknown, status = 200): Reply {
	return { status, body: JSON.stringify(body) };
}

/** Returns an error in the format of RFC 9457, of the same size as the shop's. */
export function refusal(status: number, code: string, title: string, more: object = {}): Reply {
	const detail = `${title}: see errors for every short line.`;
	const instance = "8a223b40-cc21-49f5-9d68-a293b14a449e";
	return ok({ type: "about:blank", title, status, detail, code, instance, ...more }, status);
}

export const NOT_FOUND = refusal(404, "NOT_FOUND", "Not found");
export const UNAUTHORIZED = refusal(401, "UNAUTHORIZED", "Unauthorized");
