// biome-ignore-all lint/style/noProcessEnv: makes the environment of a test file, before its settings are read.
import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

// Every test file has its own shop on the shared servers.
const name = `test_${randomBytes(5).toString("hex")}`;
process.env.TOKO_NAMESPACE = name;
process.env.TOKO_DIR = join(process.env.TOKO_TEST_FOLDER, name);
mkdirSync(process.env.TOKO_DIR, { recursive: true });
process.env.PORT = "0";
process.env.RATE_LIMIT = "0";
// Written to a file, which is searched for secrets at the end of the run.
process.env.LOG_LEVEL = process.env.TEST_LOG_LEVEL || "trace";
