import type { ServiceBroker } from "moleculer";

/** Returns the id of the user of an access token; rejects without a valid one. */
type Identify = (token: string) => Promise<number>;

/** Time limit for the public keys to arrive, in ms. */
const IDENTIFY_MAX_MS = 1000;

const identifiers = new WeakMap<ServiceBroker, Identify>();

/** Assigns the function that identifies the users of access tokens. */
export function setTokenUsers(broker: ServiceBroker, identify: Identify): void {
	identifiers.set(broker, identify);
}

/**
 * Returns the id of the user of an access token, for logs: whether the session still exists is not checked. Undefined if there is
 * no token, if it is not valid, or if the public keys do not arrive in time.
 */
export async function userOfToken(
	broker: ServiceBroker,
	token: string | undefined,
): Promise<number | undefined> {
	const identify = identifiers.get(broker);
	if (token === undefined || !identify) {
		return undefined;
	}
	let timer: NodeJS.Timeout | undefined;
	const late = new Promise<undefined>((resolve) => {
		timer = setTimeout(resolve, IDENTIFY_MAX_MS, undefined);
	});
	try {
		return await Promise.race([identify(token), late]);
	} catch {
		return undefined;
	} finally {
		clearTimeout(timer);
	}
}
