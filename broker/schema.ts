import type { ServiceSchema, ServiceSettingSchema } from "moleculer";

type Schema<This> = ServiceSchema<
	ServiceSettingSchema & { [setting: string]: unknown },
	object,
	object,
	This
> & { [extra: string]: unknown };

/** A mixin whose hooks and methods know the service that it becomes part of. */
export function mixin<This>(schema: Partial<Schema<This>>): Partial<ServiceSchema> {
	return schema as Partial<ServiceSchema>;
}

/** A service whose hooks and methods know what its mixins bring. */
export function service<This>(schema: Schema<This>): ServiceSchema {
	return schema as unknown as ServiceSchema;
}
