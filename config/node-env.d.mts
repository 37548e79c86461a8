export const environments: string[];
export const searchPath: string | undefined;
export function nodeEnvironment(environment: NodeJS.ProcessEnv): "development" | "test" | "production";
