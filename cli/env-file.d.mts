export function withEnvFile(file: string, environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv;
export function parseEnv(text: string): [name: string, value: string][];
