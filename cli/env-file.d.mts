export function loadEnvFile(file: string): void;
export function parseEnv(text: string): [name: string, value: string][];
