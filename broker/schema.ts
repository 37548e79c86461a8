import type { ServiceSchema, ServiceSettingSchema } from "moleculer";

type Schema<This> = ServiceSchema<
	ServiceSettingSchema & { [setting: string]: unknown },
	object,
	object,
	This
> & { [extra: string]: unknown };

/** Types a mixin, so that its hooks and methods know the service that it is merged into. */
export function mixin<This>(schema: Partial<Schema<This>>): Partial<ServiceSchema> {
	return schema as Partial<ServiceSchema>;
}

/** Types a service schema, so that its hooks and methods know the members that its mixins add. */
export function service<This>(schema: Schema<This>): ServiceSchema {
	return schema as unknown as ServiceSchema;
}
