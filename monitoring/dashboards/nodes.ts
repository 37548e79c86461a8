import { QueryVariableBuilder, VariableRefresh } from "@grafana/grafana-foundation-sdk/dashboard";
import { METRICS } from "../grafana.ts";
import { dashboard, type Row, rate } from "./panels.ts";

const NODES = 'node=~"$node"';

const rows: Row[] = [
	{
		title: "Processes",
		panels: [
			{
				title: "Processes of each service",
				description: "Processes that are scraped, and that are expected. Fewer than expected page somebody.",
				unit: "short",
				queries: [
					["toko:processes:up", "{{service}}"],
					["toko:processes:expected", "{{service}} expected"],
				],
			},
			{
				title: "Scraped",
				description: "1: the process serves its metrics; 0: it is in the registry and does not respond.",
				unit: "short",
				queries: [[`up{job="toko",${NODES}}`, "{{node}} {{process}} ({{services}})"]],
			},
			{
				title: "Age",
				description:
					"Time since the start of each process. A saw is a process that is restarted again and again.",
				unit: "s",
				queries: [[`time() - process_start_time_seconds{${NODES}}`, "{{node}} {{process}}"]],
			},
		],
	},
	{
		title: "Load",
		panels: [
			{
				title: "CPU",
				description: "Share of one core. A process cannot use much more than one.",
				unit: "percentunit",
				queries: [[rate(`process_cpu_seconds_total{${NODES}}`, "node, process"), "{{node}} {{process}}"]],
			},
			{
				title: "Event loop: 99th percentile",
				description:
					"One turn of a hundred takes longer. About 0.05 s is an idle process, since that is how often it is sampled.",
				unit: "s",
				queries: [[`nodejs_eventloop_lag_p99_seconds{${NODES}}`, "{{node}} {{process}}"]],
			},
			{
				title: "Garbage collection",
				description: "Share of the time that the process spends collecting garbage.",
				unit: "percentunit",
				queries: [
					[rate(`nodejs_gc_duration_seconds_sum{${NODES}}`, "node, process"), "{{node}} {{process}}"],
				],
			},
		],
	},
	{
		title: "Memory",
		panels: [
			{
				title: "Resident memory",
				description: "Memory of each process. Containers are given 512 MiB.",
				unit: "bytes",
				queries: [[`process_resident_memory_bytes{${NODES}}`, "{{node}} {{process}}"]],
			},
			{
				title: "Heap",
				description: "Objects of JavaScript.",
				unit: "bytes",
				queries: [[`nodejs_heap_size_used_bytes{${NODES}}`, "{{node}} {{process}}"]],
			},
			{
				title: "Open files",
				description: "Sockets and files.",
				unit: "short",
				queries: [[`process_open_fds{${NODES}}`, "{{node}} {{process}}"]],
			},
			{
				title: "Dropped traces",
				description: "Parts of sampled traces for which the process had no time. Sample fewer.",
				unit: "short",
				queries: [[rate(`toko_traces_dropped_total{${NODES}}`, "node, process"), "{{node}} {{process}}"]],
			},
			{
				title: "Lost spans",
				description:
					"Spans that were not exported: the endpoint failed, rejected them, or too many others waited.",
				unit: "short",
				queries: [[rate(`toko_spans_lost_total{${NODES}}`, "reason"), "{{reason}}"]],
			},
		],
	},
];

/** The processes of the shop. */
export const nodes = dashboard(
	"toko-nodes",
	"Toko: nodes",
	"Processes: whether they are there, what they use, and whether they are blocked.",
	rows,
).withVariable(
	new QueryVariableBuilder("node")
		.label("Node")
		.datasource({ type: "prometheus", uid: METRICS })
		.query("label_values(process_start_time_seconds, node)")
		.refresh(VariableRefresh.OnTimeRangeChanged)
		.multi(true)
		.includeAll(true)
		.allValue(".+"),
);
