/** Address of a webhook: as it is, or in a file, since it often holds a secret. */
export type Webhook = { url: string } | { url_file: string };

/** Receivers of alerts, and times in seconds. */
export interface Routing {
	page: Webhook;
	ticket: Webhook;
	/** Divisor of every time: 1, except in tests. */
	speed: number;
}

/**
 * Returns Alertmanager's configuration: alerts of one name are one notification, pages repeat every hour and tickets every
 * day, and a page silences the ticket of the same objective.
 */
export function alertmanagerConfiguration({ page, ticket, speed }: Routing) {
	const seconds = (count: number) => `${Math.ceil((count / speed) * 1000)}ms`.replace(/000ms$/, "s");
	return {
		route: {
			receiver: "ticket",
			group_by: ["alertname", "slo"],
			group_wait: seconds(10),
			group_interval: seconds(60),
			repeat_interval: seconds(24 * 3600),
			routes: [{ receiver: "page", matchers: ['severity="page"'], repeat_interval: seconds(3600) }],
		},
		inhibit_rules: [
			{
				source_matchers: ['severity="page"'],
				target_matchers: ['severity="ticket"'],
				equal: ["alertname", "slo"],
			},
		],
		receivers: [
			{ name: "page", webhook_configs: [{ ...page, send_resolved: true }] },
			{ name: "ticket", webhook_configs: [{ ...ticket, send_resolved: true }] },
		],
	};
}
