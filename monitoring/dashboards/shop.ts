import { errorRatio } from "../objectives.ts";
import { dashboard, durations, type Panel, quantile, type Row, rate } from "./panels.ts";

const HTTP = "http_server_request_duration_seconds";
const DAYS_3 = 3 * 86_400;
const MINUTES_5 = 300;

function objective(slo: string, title: string, description: string): Panel {
	return {
		...{ title, description, unit: "percentunit", isStat: true },
		queries: [[`1 - ${errorRatio(DAYS_3)}{slo="${slo}"}`, title]],
	};
}

const rows: Row[] = [
	{
		title: "Objectives over three days",
		panels: [
			objective(
				"orders",
				"Orders",
				"Share of orders placed without a 5xx status and within 1 s; the objective is 99.9 %.",
			),
			objective(
				"reads",
				"Reads",
				"Share of product pages answered without a 5xx status and within 0.25 s; the objective is 99.9 %.",
			),
			objective(
				"mails",
				"Mails",
				"Share of messages sent within 60 s of their event; the objective is 99 %.",
			),
		],
	},
	{
		title: "Budget",
		panels: [
			{
				title: "Burn rate",
				description:
					"How many times faster than allowed the error budget is used up, over five minutes. Above 14.4 for an hour somebody is paged.",
				unit: "short",
				queries: [[`${errorRatio(MINUTES_5)} / on (slo) slo:error_budget:ratio`, "{{slo}}"]],
			},
			{
				title: "Requests by status",
				description:
					"Requests to the gateway. 429 is the rate limit, 499 a client that went away before the response.",
				unit: "reqps",
				queries: [[rate(`${HTTP}_count`, "status"), "{{status}}"]],
			},
			durations("Response time", "Time until the response has ended, all routes.", HTTP),
		],
	},
	{
		title: "Orders",
		panels: [
			{
				title: "Orders by status they entered",
				description: "Orders placed enter `pending`; from there they are paid, cancelled or expire.",
				unit: "short",
				queries: [[`sum by (status) (increase(toko_orders_total[$__rate_interval]))`, "{{status}}"]],
			},
			{
				title: "Revenue and refunds",
				description: "Money of paid orders and money given back, in the currency's main unit.",
				unit: "short",
				queries: [
					["sum by (currency) (increase(toko_revenue_total[$__rate_interval]))", "paid {{currency}}"],
					["sum by (currency) (increase(toko_refunds_total[$__rate_interval]))", "refunded {{currency}}"],
				],
			},
			{
				title: "Payments by outcome",
				description: "late: paid after the order had ended, and refunded.",
				unit: "short",
				queries: [["sum by (outcome) (increase(toko_payments_total[$__rate_interval]))", "{{outcome}}"]],
			},
			{
				title: "Holds and stock-outs",
				description: "Unpaid orders, which hold units, and orders refused because units were missing.",
				unit: "short",
				queries: [
					["max by (service) (toko_holds_open)", "open holds"],
					["sum (increase(toko_stock_outs_total[$__rate_interval]))", "stock-outs"],
				],
			},
			{
				title: "Open carts",
				description: "Carts that are not ordered. Those that nobody touches for 30 days are removed.",
				unit: "short",
				queries: [["max by (service) (toko_carts_open)", "open carts"]],
			},
		],
	},
	{
		title: "Messages",
		panels: [
			{
				title: "Messages by state",
				description:
					"retried: the server was unavailable or refused for the moment; failed: refused for good.",
				unit: "short",
				queries: [
					["sum by (channel, state) (increase(toko_mails_total[$__rate_interval]))", "{{channel}} {{state}}"],
				],
			},
			{
				title: "Messages that wait",
				description: "Messages in the queue, retries included.",
				unit: "short",
				queries: [["max by (channel) (toko_mails_queued)", "{{channel}}"]],
			},
			{
				title: "From the event to the mail",
				description: "Time from the event, such as a placed order, until its message was sent.",
				unit: "s",
				queries: [
					[quantile(0.5, "toko_mail_delay_seconds", "", "channel"), "p50 {{channel}}"],
					[quantile(0.99, "toko_mail_delay_seconds", "", "channel"), "p99 {{channel}}"],
				],
			},
		],
	},
];

/** The shop as its owner sees it: objectives, orders, money, mails. */
export const shop = dashboard(
	"toko-shop",
	"Toko: shop",
	"Objectives, orders, money and messages. Start here; the other dashboards say why.",
	rows,
);
