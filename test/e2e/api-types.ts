// Written by `npm run openapi`.

export interface paths {
    "/api/v1/users/register": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Register a new user */
        post: operations["usersRegister"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/login": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Log in: an access token for 15 minutes and a refresh token */
        post: operations["usersLogin"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/refresh": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Change a refresh token for a new pair; used again it gives the same one for five seconds, then ends the whole family */
        post: operations["usersRefresh"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/logout": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** End the session that a refresh token belongs to */
        post: operations["usersLogout"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/logout-all": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** End all of one's sessions, everywhere */
        post: operations["usersLogoutAll"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/verify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Who the bearer of this token is */
        post: operations["usersVerify"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/verify-email": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Verify an address with the token of a mail (200), or ask for such a mail by the address (202) */
        post: operations["usersVerifyEmail"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/forgot-password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Ask for a mail with a link to set a new password; the answer is the same for unknown addresses */
        post: operations["usersForgotPassword"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/reset-password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Set a new password with the token of a mail; all sessions end */
        post: operations["usersResetPassword"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The signed-in user */
        get: operations["usersMe"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /** Change one's name, phone (null: none) or the language of one's messages */
        patch: operations["usersUpdateMe"];
        trace?: never;
    };
    "/api/v1/users/me/password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Change one's password; all sessions end, and a new one begins */
        post: operations["usersChangePassword"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/me/email": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Ask to change one's address; the change takes effect when the link in the mail to the new address is followed */
        post: operations["usersChangeEmail"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/me/addresses": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One's own addresses, the oldest first */
        get: operations["usersListAddresses"];
        put?: never;
        /** Add an address to one's own, at most 50 */
        post: operations["usersAddAddress"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/me/addresses/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One of one's own addresses */
        get: operations["usersGetAddress"];
        put?: never;
        post?: never;
        /** Remove one of one's own addresses */
        delete: operations["usersRemoveAddress"];
        options?: never;
        head?: never;
        /** Change fields of one of one's own addresses; orders keep the address that they were placed with */
        patch: operations["usersUpdateAddress"];
        trace?: never;
    };
    "/api/v1/users/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A user by id: oneself, or anybody for an admin */
        get: operations["usersGet"];
        put?: never;
        post?: never;
        /** Delete an account: oneself, or anybody for an admin. Orders stay, without the person */
        delete: operations["usersRemove"];
        options?: never;
        head?: never;
        /** Change a user's role, or deactivate or reactivate the account; its older tokens end */
        patch: operations["usersUpdate"];
        trace?: never;
    };
    "/api/v1/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Users in the order of their registration */
        get: operations["usersList"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/products": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Products, page by page: all, or those of a category, with all words of a search in name, category or description, of a price, in stock; with `collapse` one for each group */
        get: operations["productsList"];
        put?: never;
        /** Add a product, also as a variant of a group */
        post: operations["productsCreate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/products/categories": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The categories that have products */
        get: operations["productsCategories"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/products/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A product by id */
        get: operations["productsGet"];
        put?: never;
        post?: never;
        /** Take a product out of the shop; its old orders stay readable */
        delete: operations["productsRemove"];
        options?: never;
        head?: never;
        /** Change a product; stock is changed by its own action */
        patch: operations["productsUpdate"];
        trace?: never;
    };
    "/api/v1/product-groups": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Add a group, whose variants differ in 1 to 3 options */
        post: operations["productsCreateGroup"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/product-groups/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A group with its variants */
        get: operations["productsGetGroup"];
        put?: never;
        post?: never;
        /** Remove a group; its variants stay as products of their own, with their options */
        delete: operations["productsRemoveGroup"];
        options?: never;
        head?: never;
        /** Change a group; while it has variants, its options keep their names and only their order can change */
        patch: operations["productsUpdateGroup"];
        trace?: never;
    };
    "/api/v1/products/{id}/stock": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Add units to the stock, remove some, or set it if it has the expected value */
        put: operations["productsChangeStock"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orders": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One's own orders, newest first; all of them for an admin */
        get: operations["ordersList"];
        put?: never;
        /** Place an order of `items` or of the cart `cart_id`: the units are held until it is paid or expires */
        post: operations["ordersPlace"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orders/quote": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** What an order would cost now, with the reasons for which it would be refused; nothing is held. A token is needed only for an `address_id`, and tells whose uses of a voucher count */
        post: operations["ordersQuote"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orders/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** An order by id: one's own, or anybody's for an admin */
        get: operations["ordersGet"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orders/{id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Cancel an order that is not paid yet; its units go back on sale */
        post: operations["ordersCancel"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orders/{id}/pay": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Pay an order: `instant` answers 200 with the paid order, `transfer` 202 with what to pay; a webhook settles it. One that costs nothing is paid at once by both */
        post: operations["ordersPay"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orders/{id}/ship": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** A paid order has left the shop; its mail names the carrier and the tracking number */
        post: operations["ordersShip"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orders/{id}/complete": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** A shipped order has arrived */
        post: operations["ordersComplete"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orders/{id}/refund": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Give the money of an order back, or what is left of it; `restock` puts those units back on sale as well. The same once more changes nothing */
        post: operations["ordersRefund"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/payments/webhook": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** What the payment provider tells: signed by `Toko-Signature: t=<unix seconds>,v1=<hex HMAC-SHA256 of t.body>`, each id taken once, with its content */
        post: operations["ordersTakePaymentEvent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orders/{id}/refunds": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The refunds of an order, the first one first: of one's own order, or anybody's for an admin */
        get: operations["ordersRefunds"];
        put?: never;
        /** Refund a part of a paid order: units of its lines, shipping, an amount in addition. Each unit gives back its part of what was paid for its line */
        post: operations["ordersAddRefund"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/shipping-methods": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** All methods of shipping; with a country those that ship a weight there, with their fee. `pickup` is always one of them */
        get: operations["ordersShippingMethods"];
        put?: never;
        /** Add a method of shipping; its code is in lower case */
        post: operations["ordersAddShippingMethod"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/shipping-methods/{code}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Remove a method of shipping; orders keep it */
        delete: operations["ordersRemoveShippingMethod"];
        options?: never;
        head?: never;
        /** Change a method of shipping; orders keep what they were placed with */
        patch: operations["ordersUpdateShippingMethod"];
        trace?: never;
    };
    "/api/v1/vouchers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The vouchers, newest first */
        get: operations["ordersVouchers"];
        put?: never;
        /** Add a voucher; case does not matter in its code */
        post: operations["ordersAddVoucher"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/vouchers/{code}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A voucher by its code */
        get: operations["ordersVoucher"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /** Change a voucher; limits are those of all codes of its promotion. A `max_uses` below `used` means that none are left. Orders keep what they were placed with */
        patch: operations["ordersUpdateVoucher"];
        trace?: never;
    };
    "/api/v1/orders/{id}/invoice": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The invoice of a paid order: one's own, or anybody's for an admin. As HTML or PDF, in English or Indonesian, as the client prefers */
        get: operations["ordersInvoice"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orders/{id}/credit-notes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The credit notes of an order, the first one first: of one's own order, or anybody's for an admin. Each refund has one */
        get: operations["ordersCreditNotes"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orders/{id}/credit-notes/{note}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A credit note by its number or the id of its refund, in the formats and languages of an invoice. A `/` in the number is `%2F` */
        get: operations["ordersCreditNote"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/carts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Begin a cart; with a user's token the user's open cart, which is begun if there is none. Only the answer 201 has its token */
        post: operations["ordersBeginCart"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/carts/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A cart with the prices of now, for its owner or by its `Cart-Token`. It holds no units and binds no price */
        get: operations["ordersCart"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/carts/{id}/items/{product_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Set the quantity of a product in a cart; 0 removes it */
        put: operations["ordersPutCartItem"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/carts/{id}/merge": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Add the items of a guest's cart, by its `Cart-Token`, to the open cart of the user, once however often it is sent; answers the user's cart */
        post: operations["ordersMergeCart"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/notifications": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One's own messages, newest first; all of them for an admin */
        get: operations["notificationsList"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/notifications/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A message by id: one's own, or anybody's for an admin */
        get: operations["notificationsGet"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/notifications/{id}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Send a message that failed once more */
        post: operations["notificationsRetry"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/dead-letters": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Events that could not be handled, newest first */
        get: operations["notificationsDeadLetters"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/dead-letters/{id}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Retry a dead letter: handled at once, or stored again with the newer error */
        post: operations["notificationsRetryDeadLetter"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/.well-known/jwks.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The public keys that check access tokens */
        get: operations["usersJwks"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health/user": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Health of the user-service and its database */
        get: operations["usersHealth"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health/product": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Health of the product-service and its database */
        get: operations["productsHealth"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health/order": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Health of the order-service and its database */
        get: operations["ordersHealth"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health/notification": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Health of the notification-service and its database */
        get: operations["notificationsHealth"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Health of the gateway */
        get: operations["gatewayHealth"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health/live": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether the gateway runs */
        get: operations["gatewayLive"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health/ready": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether the whole shop can serve */
        get: operations["shopReady"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /**
         * @description What went wrong, for programs
         * @enum {string}
         */
        ProblemCode: "VALIDATION_FAILED" | "MALFORMED_REQUEST" | "MALFORMED_QUERY" | "HEADERS_TOO_LARGE" | "EXPECTATION_FAILED" | "REQUEST_TOO_SLOW" | "MALFORMED_BODY" | "BODY_TOO_LARGE" | "NOT_ACCEPTABLE" | "UNSUPPORTED_MEDIA_TYPE" | "NOT_FOUND" | "METHOD_NOT_ALLOWED" | "UNAUTHENTICATED" | "TOKEN_INVALID" | "FORBIDDEN" | "BAD_CREDENTIALS" | "TOO_MANY_LOGINS" | "TOO_MANY_REGISTRATIONS" | "TOO_MANY_MAILS" | "WRONG_PASSWORD" | "EMAIL_TAKEN" | "USERNAME_TAKEN" | "MAIL_TOKEN_INVALID" | "LAST_ADMIN" | "USER_NOT_FOUND" | "ADDRESS_NOT_FOUND" | "TOO_MANY_ADDRESSES" | "PRODUCT_NOT_FOUND" | "PRODUCT_GROUP_NOT_FOUND" | "VARIANT_EXISTS" | "GROUP_HAS_VARIANTS" | "STOCK_WOULD_BE_NEGATIVE" | "STOCK_TOO_LARGE" | "STOCK_DIFFERS" | "OUT_OF_STOCK" | "RESERVATION_UNDER_WAY" | "TOTAL_TOO_LARGE" | "SHIPPING_NOT_AVAILABLE" | "SHIPPING_METHOD_NOT_FOUND" | "SHIPPING_METHOD_EXISTS" | "VOUCHER_NOT_APPLICABLE" | "VOUCHER_USED_UP" | "VOUCHER_NOT_FOUND" | "VOUCHER_EXISTS" | "PRICE_CHANGED" | "REFUND_TOO_LARGE" | "ORDER_NOT_FOUND" | "ORDER_IN_OTHER_STATE" | "ORDER_NOT_PLACED" | "ORDER_UNKNOWN" | "PAYMENT_DECLINED" | "PAYMENT_NOT_MADE" | "PAYMENT_UNKNOWN" | "PAYMENT_NOT_FOUND" | "PAYMENT_AMOUNT_DIFFERS" | "WEBHOOK_ID_REUSED" | "SIGNATURE_INVALID" | "KEY_REUSED" | "KEY_IN_USE" | "CART_NOT_FOUND" | "CART_ORDERED" | "CART_MERGED" | "CART_CHANGED" | "CART_EMPTY" | "CART_FULL" | "CART_QUANTITY_TOO_LARGE" | "CREDIT_NOTE_NOT_FOUND" | "NOTIFICATION_NOT_FOUND" | "NOTIFICATION_NOT_FAILED" | "DEAD_LETTER_NOT_FOUND" | "DEAD_LETTER_FAILED" | "TOO_MANY_REQUESTS" | "TIMED_OUT" | "UNAVAILABLE" | "MESSAGES_NOT_SENT" | "DATA_BEHIND" | "EVENTS_NOT_PUBLISHED" | "EVENTS_NOT_TAKEN_IN" | "INTERNAL";
        /** @description A field that is wrong, or a line of an order that cannot be had */
        FieldError: {
            path: string;
            message: string;
            product_id?: string;
            /** Format: int64 */
            requested?: number;
            /** Format: int64 */
            available?: number;
        };
        /** @description What went wrong (RFC 9457) */
        Problem: {
            type: string;
            title: string;
            /** Format: int32 */
            status: number;
            detail: string;
            code: components["schemas"]["ProblemCode"];
            /** @description The request id */
            instance: string;
            /** @description The state that the order is in */
            state?: string;
            errors?: components["schemas"]["FieldError"][];
        };
        /** @enum {string} */
        Locale: "id" | "en";
        /**
         * @example {
         *       "email": "budi@toko.test",
         *       "username": "budi",
         *       "password": "rahasia-budi",
         *       "full_name": "Budi Santoso"
         *     }
         */
        UsersRegisterRequest: {
            /**
             * Format: email
             * @example budi@toko.test
             */
            email: string;
            /** @example budi */
            username: string;
            /** @example rahasia-budi */
            password: string;
            /** @example Budi Santoso */
            full_name: string;
            locale?: components["schemas"]["Locale"];
            phone?: string;
        };
        /**
         * @example {
         *       "id": 7,
         *       "email": "budi@toko.test",
         *       "username": "budi",
         *       "full_name": "Budi Santoso",
         *       "role": "user",
         *       "is_active": true,
         *       "is_verified": false,
         *       "created_at": "2026-11-23T08:00:00.000Z"
         *     }
         */
        User: {
            /**
             * Format: int32
             * @example 7
             */
            id: number;
            /** @example budi@toko.test */
            email: string;
            /** @example budi */
            username: string;
            /** @example Budi Santoso */
            full_name: string;
            role: components["schemas"]["Role"];
            is_active: boolean;
            is_verified: boolean;
            /**
             * Format: date-time
             * @example 2026-11-23T08:00:00.000Z
             */
            created_at: string;
        };
        /** @enum {string} */
        Role: "user" | "admin";
        /**
         * @example {
         *       "email": "budi@toko.test",
         *       "password": "rahasia-budi"
         *     }
         */
        UsersLoginRequest: {
            /**
             * Format: email
             * @example budi@toko.test
             */
            email: string;
            /** @example rahasia-budi */
            password: string;
        };
        /**
         * @example {
         *       "access_token": "eyJhbGciOiJFZERTQSJ9.e30.c2ln",
         *       "token_type": "bearer",
         *       "expires_in": 900,
         *       "refresh_token": "NmQ0ZjE3YzktM2E1Ni00ZGQ4LWI2MTE"
         *     }
         */
        Tokens: {
            /** @example eyJhbGciOiJFZERTQSJ9.e30.c2ln */
            access_token: string;
            /**
             * @example bearer
             * @constant
             */
            token_type: "bearer";
            /**
             * Format: int64
             * @example 900
             */
            expires_in: number;
            /** @example NmQ0ZjE3YzktM2E1Ni00ZGQ4LWI2MTE */
            refresh_token: string;
        };
        /**
         * @example {
         *       "refresh_token": "NmQ0ZjE3YzktM2E1Ni00ZGQ4LWI2MTE"
         *     }
         */
        UsersRefreshRequest: {
            /** @example NmQ0ZjE3YzktM2E1Ni00ZGQ4LWI2MTE */
            refresh_token: string;
        };
        /**
         * @example {
         *       "refresh_token": "NmQ0ZjE3YzktM2E1Ni00ZGQ4LWI2MTE"
         *     }
         */
        UsersLogoutRequest: {
            /** @example NmQ0ZjE3YzktM2E1Ni00ZGQ4LWI2MTE */
            refresh_token: string;
        };
        /**
         * @example {
         *       "message": "Done"
         *     }
         */
        Message: {
            /** @example Done */
            message: string;
        };
        /**
         * @example {
         *       "email": "budi@toko.test"
         *     }
         */
        UsersVerifyEmailRequest: {
            token?: string;
            /**
             * Format: email
             * @example budi@toko.test
             */
            email?: string;
        };
        /**
         * @example {
         *       "email": "budi@toko.test"
         *     }
         */
        UsersForgotPasswordRequest: {
            /**
             * Format: email
             * @example budi@toko.test
             */
            email: string;
        };
        /**
         * @example {
         *       "token": "reset.7.1795478400.c2lnbmF0dXJl",
         *       "new_password": "rahasia-baru"
         *     }
         */
        UsersResetPasswordRequest: {
            /** @example reset.7.1795478400.c2lnbmF0dXJl */
            token: string;
            /** @example rahasia-baru */
            new_password: string;
        };
        /**
         * @example {
         *       "id": 7,
         *       "email": "budi@toko.test",
         *       "username": "budi",
         *       "full_name": "Budi Santoso",
         *       "role": "user",
         *       "is_active": true,
         *       "is_verified": false,
         *       "created_at": "2026-11-23T08:00:00.000Z",
         *       "locale": "id",
         *       "phone": "+6281234567890"
         *     }
         */
        OwnUser: {
            /**
             * Format: int32
             * @example 7
             */
            id: number;
            /** @example budi@toko.test */
            email: string;
            /** @example budi */
            username: string;
            /** @example Budi Santoso */
            full_name: string;
            role: components["schemas"]["Role"];
            is_active: boolean;
            is_verified: boolean;
            /**
             * Format: date-time
             * @example 2026-11-23T08:00:00.000Z
             */
            created_at: string;
            locale: components["schemas"]["Locale"];
            /** @example +6281234567890 */
            phone: string | null;
        };
        /**
         * @example {
         *       "locale": "en",
         *       "phone": "+6281234567890"
         *     }
         */
        UsersUpdateMeRequest: {
            full_name?: string;
            locale?: components["schemas"]["Locale"];
            /** @example +6281234567890 */
            phone?: string | null;
        };
        /**
         * @example {
         *       "current_password": "rahasia-budi",
         *       "new_password": "rahasia-baru"
         *     }
         */
        UsersChangePasswordRequest: {
            /** @example rahasia-budi */
            current_password: string;
            /** @example rahasia-baru */
            new_password: string;
        };
        /**
         * @example {
         *       "current_password": "rahasia-budi",
         *       "new_email": "budi@shop.example"
         *     }
         */
        UsersChangeEmailRequest: {
            /** @example rahasia-budi */
            current_password: string;
            /**
             * Format: email
             * @example budi@shop.example
             */
            new_email: string;
        };
        /**
         * @example {
         *       "id": "6e0d1c1a-3b0f-4c57-9d0e-5a1f0c2b7d11",
         *       "recipient": "Budi Santoso",
         *       "phone": "+6281234567890",
         *       "line1": "Jalan Braga 99",
         *       "line2": null,
         *       "city": "Bandung",
         *       "province": "Jawa Barat",
         *       "postal_code": "40115",
         *       "country": "ID",
         *       "created_at": "2026-11-23T08:00:00.000Z",
         *       "updated_at": "2026-11-23T08:00:00.000Z"
         *     }
         */
        SavedAddress: {
            /**
             * Format: uuid
             * @example 6e0d1c1a-3b0f-4c57-9d0e-5a1f0c2b7d11
             */
            id: string;
            /** @example Budi Santoso */
            recipient: string;
            /** @example +6281234567890 */
            phone: string;
            /** @example Jalan Braga 99 */
            line1: string;
            line2: string | null;
            /** @example Bandung */
            city: string;
            /** @example Jawa Barat */
            province: string;
            /** @example 40115 */
            postal_code: string;
            /** @example ID */
            country: string;
            /**
             * Format: date-time
             * @example 2026-11-23T08:00:00.000Z
             */
            created_at: string;
            /**
             * Format: date-time
             * @example 2026-11-23T08:00:00.000Z
             */
            updated_at: string;
        };
        /**
         * @example {
         *       "recipient": "Budi Santoso",
         *       "phone": "+6281234567890",
         *       "line1": "Jalan Braga 99",
         *       "city": "Bandung",
         *       "province": "Jawa Barat",
         *       "postal_code": "40115"
         *     }
         */
        UsersAddAddressRequest: {
            /** @example Budi Santoso */
            recipient: string;
            /** @example +6281234567890 */
            phone: string;
            /** @example Jalan Braga 99 */
            line1: string;
            line2?: string | null;
            /** @example Bandung */
            city: string;
            /** @example Jawa Barat */
            province: string;
            /** @example 40115 */
            postal_code: string;
            /**
             * @default ID
             * @example ID
             */
            country: string;
        };
        /**
         * @example {
         *       "line2": "Lantai 2",
         *       "postal_code": "40111"
         *     }
         */
        UsersUpdateAddressRequest: {
            recipient?: string;
            phone?: string;
            line1?: string;
            /** @example Lantai 2 */
            line2?: string | null;
            city?: string;
            province?: string;
            /** @example 40115 */
            postal_code?: string;
            /** @example ID */
            country?: string;
        };
        /**
         * @example {
         *       "role": "admin"
         *     }
         */
        UsersUpdateRequest: {
            role?: components["schemas"]["Role"];
            is_active?: boolean;
        };
        /**
         * @example {
         *       "id": "01a20af7e8d300020f7306eb",
         *       "name": "Kopi Gayo 250 g",
         *       "description": "Biji sangrai.",
         *       "price": 92000,
         *       "stock": 40,
         *       "category": "kopi",
         *       "image_url": null,
         *       "image_urls": [],
         *       "group_id": null,
         *       "options": null,
         *       "weight_g": 250,
         *       "requires_shipping": true,
         *       "compare_at_price": null,
         *       "currency": "IDR",
         *       "created_at": "2026-11-23T08:00:00.000Z",
         *       "updated_at": "2026-11-23T08:00:00.000Z"
         *     }
         */
        Product: {
            /** @example 01a20af7e8d300020f7306eb */
            id: string;
            /** @example Kopi Gayo 250 g */
            name: string;
            /** @example Biji sangrai. */
            description: string;
            /** @example 92000 */
            price: number;
            /**
             * Format: int64
             * @example 40
             */
            stock: number;
            /** @example kopi */
            category: string;
            image_url: string | null;
            image_urls: string[];
            group_id: string | null;
            options: {
                [key: string]: string;
            } | null;
            /**
             * Format: int32
             * @example 250
             */
            weight_g: number;
            requires_shipping: boolean;
            compare_at_price: number | null;
            /** @example IDR */
            currency: string;
            /**
             * Format: date-time
             * @example 2026-11-23T08:00:00.000Z
             */
            created_at: string;
            /**
             * Format: date-time
             * @example 2026-11-23T08:00:00.000Z
             */
            updated_at: string;
            /** Format: int64 */
            variant_count?: number;
            min_price?: number;
            max_price?: number;
        };
        /**
         * @example {
         *       "name": "Kopi Gayo 250 g",
         *       "description": "Biji sangrai.",
         *       "price": 92000,
         *       "stock": 40,
         *       "category": "kopi"
         *     }
         */
        ProductsCreateRequest: {
            /** @example Kopi Gayo 250 g */
            name: string;
            /** @example Biji sangrai. */
            description: string;
            /** @example 92000 */
            price: number;
            /** @example kopi */
            category: string;
            /** Format: uri */
            image_url?: string | null;
            /**
             * Format: int32
             * @example 40
             */
            stock: number;
            image_urls?: string[];
            group_id?: string | null;
            /**
             * @example {
             *       "ukuran": "M",
             *       "warna": "Merah"
             *     }
             */
            options?: {
                [key: string]: string;
            } | null;
            /** Format: int32 */
            weight_g?: number;
            requires_shipping?: boolean;
            compare_at_price?: number | null;
        };
        /**
         * @example {
         *       "price": 95000
         *     }
         */
        ProductsUpdateRequest: {
            name?: string;
            description?: string;
            /** @example 95000 */
            price?: number;
            category?: string;
            /** Format: uri */
            image_url?: string | null;
            image_urls?: string[];
            group_id?: string | null;
            /**
             * @example {
             *       "ukuran": "M",
             *       "warna": "Merah"
             *     }
             */
            options?: {
                [key: string]: string;
            } | null;
            /** Format: int32 */
            weight_g?: number;
            requires_shipping?: boolean;
            compare_at_price?: number | null;
        };
        /**
         * @example {
         *       "name": "Kaos Toko",
         *       "description": "Katun.",
         *       "category": "kaos",
         *       "options": [
         *         "ukuran",
         *         "warna"
         *       ]
         *     }
         */
        ProductsCreateGroupRequest: {
            /** @example Kaos Toko */
            name: string;
            /** @example Katun. */
            description: string;
            /** @example kaos */
            category: string;
            /**
             * @example [
             *       "ukuran",
             *       "warna"
             *     ]
             */
            options: string[];
        };
        /**
         * @example {
         *       "id": "01a20af7e8d300020f7306ec",
         *       "name": "Kaos Toko",
         *       "description": "Katun.",
         *       "category": "kaos",
         *       "options": [
         *         "ukuran",
         *         "warna"
         *       ],
         *       "variants": []
         *     }
         */
        ProductGroup: {
            /** @example 01a20af7e8d300020f7306ec */
            id: string;
            /** @example Kaos Toko */
            name: string;
            /** @example Katun. */
            description: string;
            /** @example kaos */
            category: string;
            options: string[];
            variants: components["schemas"]["Product"][];
        };
        /**
         * @example {
         *       "name": "Kaos Toko"
         *     }
         */
        ProductsUpdateGroupRequest: {
            /** @example Kaos Toko */
            name?: string;
            description?: string;
            category?: string;
            /**
             * @example [
             *       "ukuran",
             *       "warna"
             *     ]
             */
            options?: string[];
        };
        /**
         * @example {
         *       "stock": 40,
         *       "expected": 38
         *     }
         */
        ProductsChangeStockRequest: {
            /**
             * Format: int32
             * @example 40
             */
            stock?: number;
            /**
             * Format: int32
             * @example 38
             */
            expected?: number;
        };
        ProductsChangeStockResult: {
            message: string;
            /** Format: int64 */
            stock: number;
        };
        /**
         * @example {
         *       "product_id": "01a20af7e8d300020f7306eb",
         *       "quantity": 2
         *     }
         */
        OrderLine: {
            /** @example 01a20af7e8d300020f7306eb */
            product_id: string;
            /**
             * Format: int32
             * @example 2
             */
            quantity: number;
        };
        /**
         * @example {
         *       "recipient": "Budi Santoso",
         *       "phone": "+6281234567890",
         *       "line1": "Jalan Braga 99",
         *       "line2": null,
         *       "city": "Bandung",
         *       "province": "Jawa Barat",
         *       "postal_code": "40115",
         *       "country": "ID"
         *     }
         */
        Address: {
            /** @example Budi Santoso */
            recipient: string;
            /** @example +6281234567890 */
            phone: string;
            /** @example Jalan Braga 99 */
            line1: string;
            line2?: string | null;
            /** @example Bandung */
            city: string;
            /** @example Jawa Barat */
            province: string;
            /** @example 40115 */
            postal_code: string;
            /**
             * @default ID
             * @example ID
             */
            country: string;
        };
        /**
         * @example {
         *       "items": [
         *         {
         *           "product_id": "01a20af7e8d300020f7306eb",
         *           "quantity": 2
         *         }
         *       ],
         *       "note": "Tolong dibungkus"
         *     }
         */
        OrdersPlaceRequest: {
            items?: components["schemas"]["OrderLine"][];
            cart_id?: string;
            /** @example HEMAT10 */
            voucher_code?: string;
            /** @example jne-reg */
            shipping_method?: string;
            address?: components["schemas"]["Address"];
            address_id?: string;
            expected_total?: number;
            shipping_address?: string;
            /** @example Tolong dibungkus */
            note?: string;
        };
        /**
         * @example {
         *       "id": "3f1c8a52-7d1e-4b2f-9c55-0a6f2f7f9f11",
         *       "number": "TK-000001",
         *       "user_id": 7,
         *       "status": "pending",
         *       "items": [
         *         {
         *           "line": 1,
         *           "product_id": "01a20af7e8d300020f7306eb",
         *           "name": "Kopi Gayo 250 g",
         *           "options": null,
         *           "price": 92000,
         *           "quantity": 2,
         *           "subtotal": 184000,
         *           "discount": 0,
         *           "tax": 0,
         *           "paid": 184000
         *         }
         *       ],
         *       "subtotal": 184000,
         *       "discount": 0,
         *       "shipping": 0,
         *       "tax": 0,
         *       "tax_included": true,
         *       "total": 184000,
         *       "refunded": 0,
         *       "currency": "IDR",
         *       "voucher_code": null,
         *       "shipping_method": "pickup",
         *       "address": null,
         *       "carrier": null,
         *       "tracking_number": null,
         *       "shipping_address": null,
         *       "note": "Tolong dibungkus",
         *       "expires_at": "2026-11-23T08:30:00.000Z",
         *       "created_at": "2026-11-23T08:00:00.000Z",
         *       "updated_at": "2026-11-23T08:00:00.000Z"
         *     }
         */
        Order: {
            /**
             * Format: uuid
             * @example 3f1c8a52-7d1e-4b2f-9c55-0a6f2f7f9f11
             */
            id: string;
            /** @example TK-000001 */
            number: string;
            /**
             * Format: int32
             * @example 7
             */
            user_id: number;
            status: components["schemas"]["OrderStatus"];
            items: components["schemas"]["OrderItem"][];
            /** @example 184000 */
            subtotal: number;
            /** @example 0 */
            discount: number;
            /** @example 0 */
            shipping: number;
            /** @example 0 */
            tax: number;
            tax_included: boolean;
            /** @example 184000 */
            total: number;
            /** @example 0 */
            refunded: number;
            /** @example IDR */
            currency: string;
            voucher_code: string | null;
            /** @example pickup */
            shipping_method: string | null;
            address: components["schemas"]["OrderAddress"] | null;
            carrier: string | null;
            tracking_number: string | null;
            shipping_address: string | null;
            /** @example Tolong dibungkus */
            note: string | null;
            /**
             * Format: date-time
             * @example 2026-11-23T08:30:00.000Z
             */
            expires_at: string;
            /**
             * Format: date-time
             * @example 2026-11-23T08:00:00.000Z
             */
            created_at: string;
            /**
             * Format: date-time
             * @example 2026-11-23T08:00:00.000Z
             */
            updated_at: string;
        };
        /** @enum {string} */
        OrderStatus: "pending" | "paid" | "shipped" | "completed" | "cancelled" | "expired" | "refunded";
        OrderItem: {
            /** Format: int64 */
            line: number;
            /** @example 01a20af7e8d300020f7306eb */
            product_id: string;
            name: string;
            options: {
                [key: string]: string;
            } | null;
            price: number;
            /** Format: int64 */
            quantity: number;
            subtotal: number;
            discount: number;
            tax: number;
            paid: number;
        };
        OrderAddress: {
            recipient: string;
            phone: string;
            line1: string;
            line2: string | null;
            city: string;
            province: string;
            postal_code: string;
            country: string;
        };
        /**
         * @example {
         *       "items": [
         *         {
         *           "product_id": "01a20af7e8d300020f7306eb",
         *           "quantity": 2
         *         }
         *       ]
         *     }
         */
        OrdersQuoteRequest: {
            items?: components["schemas"]["OrderLine"][];
            cart_id?: string;
            /** @example HEMAT10 */
            voucher_code?: string;
            /** @example jne-reg */
            shipping_method?: string;
            address?: components["schemas"]["Address"];
            address_id?: string;
            expected_total?: number;
            shipping_address?: string;
            note?: string;
        };
        /**
         * @example {
         *       "items": [
         *         {
         *           "line": 1,
         *           "product_id": "01a20af7e8d300020f7306eb",
         *           "name": "Kopi Gayo 250 g",
         *           "options": null,
         *           "price": 92000,
         *           "quantity": 2,
         *           "subtotal": 184000,
         *           "discount": 0,
         *           "tax": 0,
         *           "paid": 184000,
         *           "available": 40
         *         }
         *       ],
         *       "subtotal": 184000,
         *       "discount": 0,
         *       "shipping": 0,
         *       "tax": 0,
         *       "tax_included": true,
         *       "total": 184000,
         *       "currency": "IDR",
         *       "voucher_code": null,
         *       "shipping_method": "pickup",
         *       "weight_g": 500,
         *       "reasons": []
         *     }
         */
        Quote: {
            items: components["schemas"]["QuoteItem"][];
            /** @example 184000 */
            subtotal: number;
            /** @example 0 */
            discount: number;
            /** @example 0 */
            shipping: number;
            /** @example 0 */
            tax: number;
            tax_included: boolean;
            /** @example 184000 */
            total: number;
            /** @example IDR */
            currency: string;
            voucher_code: string | null;
            /** @example pickup */
            shipping_method: string | null;
            /**
             * Format: int64
             * @example 500
             */
            weight_g: number;
            reasons: components["schemas"]["QuoteReason"][];
        };
        QuoteItem: {
            /** Format: int64 */
            line: number;
            /** @example 01a20af7e8d300020f7306eb */
            product_id: string;
            name: string;
            options: {
                [key: string]: string;
            } | null;
            price: number;
            /** Format: int64 */
            quantity: number;
            subtotal: number;
            discount: number;
            tax: number;
            paid: number;
            /** Format: int64 */
            available: number;
        };
        QuoteReason: {
            /** @enum {string} */
            about: "stock" | "voucher" | "shipping" | "total";
            code: string;
            message: string;
            reason?: string;
            /** Format: int64 */
            line?: number;
            /** Format: int64 */
            available?: number;
            total?: number;
            missing?: number;
            /** Format: date-time */
            starts_at?: string;
            /** Format: date-time */
            ends_at?: string;
        };
        /**
         * @example {
         *       "method": "transfer"
         *     }
         */
        OrdersPayRequest: {
            /**
             * @default instant
             * @example transfer
             * @enum {string}
             */
            method: "instant" | "transfer";
        };
        /**
         * @example {
         *       "id": "3f1c8a52-7d1e-4b2f-9c55-0a6f2f7f9f11",
         *       "number": "TK-000001",
         *       "user_id": 7,
         *       "status": "pending",
         *       "items": [
         *         {
         *           "line": 1,
         *           "product_id": "01a20af7e8d300020f7306eb",
         *           "name": "Kopi Gayo 250 g",
         *           "options": null,
         *           "price": 92000,
         *           "quantity": 2,
         *           "subtotal": 184000,
         *           "discount": 0,
         *           "tax": 0,
         *           "paid": 184000
         *         }
         *       ],
         *       "subtotal": 184000,
         *       "discount": 0,
         *       "shipping": 0,
         *       "tax": 0,
         *       "tax_included": true,
         *       "total": 184000,
         *       "refunded": 0,
         *       "currency": "IDR",
         *       "voucher_code": null,
         *       "shipping_method": "pickup",
         *       "address": null,
         *       "carrier": null,
         *       "tracking_number": null,
         *       "shipping_address": null,
         *       "note": "Tolong dibungkus",
         *       "expires_at": "2026-11-23T08:30:00.000Z",
         *       "created_at": "2026-11-23T08:00:00.000Z",
         *       "updated_at": "2026-11-23T08:00:00.000Z",
         *       "payment": {
         *         "reference": "b6ad4a0e-6f0c-4d0c-8d0f-3f7f1a3f2a10",
         *         "amount": 184000,
         *         "due_at": "2026-11-23T08:30:00.000Z"
         *       }
         *     }
         */
        PayableOrder: {
            /**
             * Format: uuid
             * @example 3f1c8a52-7d1e-4b2f-9c55-0a6f2f7f9f11
             */
            id: string;
            /** @example TK-000001 */
            number: string;
            /**
             * Format: int32
             * @example 7
             */
            user_id: number;
            status: components["schemas"]["OrderStatus"];
            items: components["schemas"]["OrderItem"][];
            /** @example 184000 */
            subtotal: number;
            /** @example 0 */
            discount: number;
            /** @example 0 */
            shipping: number;
            /** @example 0 */
            tax: number;
            tax_included: boolean;
            /** @example 184000 */
            total: number;
            /** @example 0 */
            refunded: number;
            /** @example IDR */
            currency: string;
            voucher_code: string | null;
            /** @example pickup */
            shipping_method: string | null;
            address: components["schemas"]["OrderAddress"] | null;
            carrier: string | null;
            tracking_number: string | null;
            shipping_address: string | null;
            /** @example Tolong dibungkus */
            note: string | null;
            /**
             * Format: date-time
             * @example 2026-11-23T08:30:00.000Z
             */
            expires_at: string;
            /**
             * Format: date-time
             * @example 2026-11-23T08:00:00.000Z
             */
            created_at: string;
            /**
             * Format: date-time
             * @example 2026-11-23T08:00:00.000Z
             */
            updated_at: string;
            payment?: components["schemas"]["PaymentDue"];
        };
        PaymentDue: {
            reference: string;
            amount: number;
            /** Format: date-time */
            due_at: string;
        };
        /**
         * @example {
         *       "carrier": "JNE",
         *       "tracking_number": "CGK1234567890"
         *     }
         */
        OrdersShipRequest: {
            /** @example JNE */
            carrier?: string;
            /** @example CGK1234567890 */
            tracking_number?: string;
        };
        /**
         * @example {
         *       "restock": true
         *     }
         */
        OrdersRefundRequest: {
            /** @default false */
            restock: boolean;
        };
        /**
         * @example {
         *       "id": "evt_1",
         *       "type": "payment.settled",
         *       "reference": "b6ad4a0e-6f0c-4d0c-8d0f-3f7f1a3f2a10",
         *       "amount": 184000
         *     }
         */
        PaymentEvent: {
            /** @example evt_1 */
            id: string;
            /**
             * @example payment.settled
             * @enum {string}
             */
            type: "payment.settled" | "payment.failed";
            /** @example b6ad4a0e-6f0c-4d0c-8d0f-3f7f1a3f2a10 */
            reference: string;
            /** @example 184000 */
            amount: number;
        };
        OrdersTakePaymentEventResult: {
            received: boolean;
        };
        /**
         * @example {
         *       "line": 1,
         *       "quantity": 1
         *     }
         */
        RefundItem: {
            /**
             * Format: int32
             * @example 1
             */
            line: number;
            /**
             * Format: int32
             * @example 1
             */
            quantity: number;
        };
        /**
         * @example {
         *       "items": [
         *         {
         *           "line": 1,
         *           "quantity": 1
         *         }
         *       ],
         *       "restock": true,
         *       "reason": "Kemasan rusak"
         *     }
         */
        OrdersAddRefundRequest: {
            /** @default [] */
            items: components["schemas"]["RefundItem"][];
            /** @default false */
            shipping: boolean;
            /** @default 0 */
            amount: number;
            /** @default false */
            restock: boolean;
            /** @example Kemasan rusak */
            reason?: string;
        };
        /**
         * @example {
         *       "id": "019ac3f2-6d4e-7b1a-8f00-3c5d2a9e1b77",
         *       "order_id": "3f1c8a52-7d1e-4b2f-9c55-0a6f2f7f9f11",
         *       "sequence": 1,
         *       "amount": 92000,
         *       "status": "pending",
         *       "items": [
         *         {
         *           "line": 1,
         *           "quantity": 1,
         *           "amount": 92000
         *         }
         *       ],
         *       "shipping": 0,
         *       "other": 0,
         *       "restock": true,
         *       "reason": "Kemasan rusak",
         *       "created_at": "2026-11-25T08:00:00.000Z",
         *       "updated_at": "2026-11-25T08:00:00.000Z"
         *     }
         */
        Refund: {
            /**
             * Format: uuid
             * @example 019ac3f2-6d4e-7b1a-8f00-3c5d2a9e1b77
             */
            id: string;
            /**
             * Format: uuid
             * @example 3f1c8a52-7d1e-4b2f-9c55-0a6f2f7f9f11
             */
            order_id: string;
            /**
             * Format: int64
             * @example 1
             */
            sequence: number;
            /** @example 92000 */
            amount: number;
            status: components["schemas"]["RefundStatus"];
            items: components["schemas"]["RefundedItem"][];
            /** @example 0 */
            shipping: number;
            /** @example 0 */
            other: number;
            restock: boolean;
            /** @example Kemasan rusak */
            reason: string | null;
            /**
             * Format: date-time
             * @example 2026-11-25T08:00:00.000Z
             */
            created_at: string;
            /**
             * Format: date-time
             * @example 2026-11-25T08:00:00.000Z
             */
            updated_at: string;
        };
        /** @enum {string} */
        RefundStatus: "pending" | "refunded" | "refused" | "manual";
        RefundedItem: {
            /** Format: int64 */
            line: number;
            /** Format: int64 */
            quantity: number;
            amount: number;
        };
        ShippingMethodZonesItem: {
            country: string;
            province: string | null;
            postal_prefixes: string[] | null;
        };
        ShippingMethodBandsItem: {
            /** Format: int64 */
            up_to_g: number;
            fee: number;
        };
        /**
         * @example {
         *       "code": "jne-reg",
         *       "name": "JNE Reguler",
         *       "zones": [
         *         {
         *           "country": "ID",
         *           "province": "Jawa Barat",
         *           "postal_prefixes": null
         *         }
         *       ],
         *       "bands": [
         *         {
         *           "up_to_g": 1000,
         *           "fee": 9000
         *         },
         *         {
         *           "up_to_g": 5000,
         *           "fee": 29000
         *         }
         *       ],
         *       "per_extra_kg": 5000,
         *       "free_from": 999000,
         *       "eta_days": 3
         *     }
         */
        ShippingMethod: {
            /** @example jne-reg */
            code: string;
            /** @example JNE Reguler */
            name: string;
            zones: components["schemas"]["ShippingMethodZonesItem"][];
            bands: components["schemas"]["ShippingMethodBandsItem"][];
            /** @example 5000 */
            per_extra_kg: number | null;
            /** @example 999000 */
            free_from: number | null;
            /**
             * Format: int64
             * @example 3
             */
            eta_days: number | null;
            fee?: number;
        };
        /**
         * @example {
         *       "country": "ID",
         *       "province": "Jawa Barat"
         *     }
         */
        ShippingZone: {
            /** @example ID */
            country: string;
            /** @example Jawa Barat */
            province?: string | null;
            postal_prefixes?: string[] | null;
        };
        ShippingBand: {
            /** Format: int32 */
            up_to_g: number;
            fee: number;
        };
        /**
         * @example {
         *       "code": "jne-reg",
         *       "name": "JNE Reguler",
         *       "zones": [
         *         {
         *           "country": "ID",
         *           "province": "Jawa Barat",
         *           "postal_prefixes": null
         *         }
         *       ],
         *       "bands": [
         *         {
         *           "up_to_g": 1000,
         *           "fee": 9000
         *         },
         *         {
         *           "up_to_g": 5000,
         *           "fee": 29000
         *         }
         *       ],
         *       "per_extra_kg": 5000,
         *       "free_from": 999000,
         *       "eta_days": 3
         *     }
         */
        OrdersAddShippingMethodRequest: {
            /** @example jne-reg */
            code: string;
            /** @example JNE Reguler */
            name: string;
            zones: components["schemas"]["ShippingZone"][];
            bands: components["schemas"]["ShippingBand"][];
            /** @example 5000 */
            per_extra_kg?: number | null;
            /** @example 999000 */
            free_from?: number | null;
            /**
             * Format: int32
             * @example 3
             */
            eta_days?: number | null;
        };
        /**
         * @example {
         *       "eta_days": 2
         *     }
         */
        OrdersUpdateShippingMethodRequest: {
            name?: string;
            zones?: components["schemas"]["ShippingZone"][];
            bands?: components["schemas"]["ShippingBand"][];
            per_extra_kg?: number | null;
            free_from?: number | null;
            /**
             * Format: int32
             * @example 2
             */
            eta_days?: number | null;
        };
        /** @enum {string} */
        VoucherKind: "percent" | "amount" | "shipping";
        /**
         * @example {
         *       "code": "HEMAT10",
         *       "promotion": null,
         *       "kind": "percent",
         *       "value": 10,
         *       "cap": 50000,
         *       "min_subtotal": 100000,
         *       "category": null,
         *       "starts_at": "2026-11-01T00:00:00.000Z",
         *       "ends_at": "2026-12-01T00:00:00.000Z",
         *       "max_uses": 100,
         *       "per_user": 1
         *     }
         */
        OrdersAddVoucherRequest: {
            /** @example HEMAT10 */
            code: string;
            promotion?: string | null;
            kind: components["schemas"]["VoucherKind"];
            /** @example 10 */
            value?: number | null;
            /** @example 50000 */
            cap?: number | null;
            /** @example 100000 */
            min_subtotal?: number | null;
            category?: string | null;
            /**
             * Format: date-time
             * @example 2026-11-01T00:00:00.000Z
             */
            starts_at?: string | null;
            /**
             * Format: date-time
             * @example 2026-12-01T00:00:00.000Z
             */
            ends_at?: string | null;
            /**
             * Format: int32
             * @example 100
             */
            max_uses?: number | null;
            /**
             * Format: int32
             * @example 1
             */
            per_user?: number | null;
        };
        /**
         * @example {
         *       "code": "HEMAT10",
         *       "promotion": null,
         *       "kind": "percent",
         *       "value": 10,
         *       "cap": 50000,
         *       "min_subtotal": 100000,
         *       "category": null,
         *       "starts_at": "2026-11-01T00:00:00.000Z",
         *       "ends_at": "2026-12-01T00:00:00.000Z",
         *       "max_uses": 100,
         *       "per_user": 1,
         *       "used": 7,
         *       "created_at": "2026-10-23T08:00:00.000Z",
         *       "updated_at": "2026-10-23T08:00:00.000Z"
         *     }
         */
        Voucher: {
            /** @example HEMAT10 */
            code: string;
            promotion: string | null;
            kind: components["schemas"]["VoucherKind"];
            /** @example 10 */
            value: number | null;
            /** @example 50000 */
            cap: number | null;
            /** @example 100000 */
            min_subtotal: number | null;
            category: string | null;
            /**
             * Format: date-time
             * @example 2026-11-01T00:00:00.000Z
             */
            starts_at: string | null;
            /**
             * Format: date-time
             * @example 2026-12-01T00:00:00.000Z
             */
            ends_at: string | null;
            /**
             * Format: int64
             * @example 100
             */
            max_uses: number | null;
            /**
             * Format: int64
             * @example 1
             */
            per_user: number | null;
            /**
             * Format: int64
             * @example 7
             */
            used: number;
            /**
             * Format: date-time
             * @example 2026-10-23T08:00:00.000Z
             */
            created_at: string;
            /**
             * Format: date-time
             * @example 2026-10-23T08:00:00.000Z
             */
            updated_at: string;
        };
        /**
         * @example {
         *       "max_uses": 200
         *     }
         */
        OrdersUpdateVoucherRequest: {
            value?: number | null;
            cap?: number | null;
            min_subtotal?: number | null;
            category?: string | null;
            /** Format: date-time */
            starts_at?: string | null;
            /** Format: date-time */
            ends_at?: string | null;
            /**
             * Format: int32
             * @example 200
             */
            max_uses?: number | null;
            /** Format: int32 */
            per_user?: number | null;
        };
        /**
         * @example {
         *       "number": "CN-INV-000001",
         *       "refund_id": "019ac3f2-6d4e-7b1a-8f00-3c5d2a9e1b77",
         *       "amount": 92000,
         *       "issued_at": "2026-11-25T08:00:00.000Z"
         *     }
         */
        CreditNote: {
            /** @example CN-INV-000001 */
            number: string;
            /**
             * Format: uuid
             * @example 019ac3f2-6d4e-7b1a-8f00-3c5d2a9e1b77
             */
            refund_id: string;
            /** @example 92000 */
            amount: number;
            /**
             * Format: date-time
             * @example 2026-11-25T08:00:00.000Z
             */
            issued_at: string;
        };
        /**
         * @example {
         *       "id": "01a2f8c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b",
         *       "status": "open",
         *       "version": 1,
         *       "order_id": null,
         *       "merged_into": null,
         *       "items": [],
         *       "subtotal": 184000,
         *       "discount": 0,
         *       "shipping": 0,
         *       "tax": 0,
         *       "tax_included": true,
         *       "total": 184000,
         *       "currency": "IDR",
         *       "weight_g": 500,
         *       "reasons": [],
         *       "created_at": "2026-11-23T08:00:00.000Z",
         *       "touched_at": "2026-11-23T08:00:00.000Z",
         *       "token": "Zk3v0nT8yN2sQm5rXb7LwA1cE9uHfJ4dGpR6tYiKoVs"
         *     }
         */
        GivenCart: {
            /**
             * Format: uuid
             * @example 01a2f8c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b
             */
            id: string;
            status: components["schemas"]["CartStatus"];
            /**
             * Format: int64
             * @example 1
             */
            version: number;
            /** Format: uuid */
            order_id: string | null;
            /** Format: uuid */
            merged_into: string | null;
            items: components["schemas"]["CartItem"][];
            /** @example 184000 */
            subtotal: number;
            /** @example 0 */
            discount: number;
            /** @example 0 */
            shipping: number;
            /** @example 0 */
            tax: number;
            tax_included: boolean;
            /** @example 184000 */
            total: number;
            /** @example IDR */
            currency: string;
            /**
             * Format: int64
             * @example 500
             */
            weight_g: number;
            reasons: components["schemas"]["QuoteReason"][];
            /**
             * Format: date-time
             * @example 2026-11-23T08:00:00.000Z
             */
            created_at: string;
            /**
             * Format: date-time
             * @example 2026-11-23T08:00:00.000Z
             */
            touched_at: string;
            /** @example Zk3v0nT8yN2sQm5rXb7LwA1cE9uHfJ4dGpR6tYiKoVs */
            token: string | null;
        };
        /** @enum {string} */
        CartStatus: "open" | "ordered" | "merged";
        CartItem: {
            /** Format: int64 */
            line: number;
            /** @example 01a20af7e8d300020f7306eb */
            product_id: string;
            name: string;
            options: {
                [key: string]: string;
            } | null;
            price: number | null;
            /** Format: int64 */
            quantity: number;
            subtotal: number;
            discount: number;
            tax: number;
            paid: number;
            /** Format: int64 */
            available: number;
            price_changed_from: number | null;
        };
        /**
         * @example {
         *       "id": "01a2f8c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b",
         *       "status": "open",
         *       "version": 1,
         *       "order_id": null,
         *       "merged_into": null,
         *       "items": [
         *         {
         *           "line": 1,
         *           "product_id": "01a20af7e8d300020f7306eb",
         *           "name": "Kopi Gayo 250 g",
         *           "options": null,
         *           "price": 92000,
         *           "quantity": 2,
         *           "subtotal": 184000,
         *           "discount": 0,
         *           "tax": 0,
         *           "paid": 184000,
         *           "available": 40,
         *           "price_changed_from": 90000
         *         }
         *       ],
         *       "subtotal": 184000,
         *       "discount": 0,
         *       "shipping": 0,
         *       "tax": 0,
         *       "tax_included": true,
         *       "total": 184000,
         *       "currency": "IDR",
         *       "weight_g": 500,
         *       "reasons": [],
         *       "created_at": "2026-11-23T08:00:00.000Z",
         *       "touched_at": "2026-11-23T08:00:00.000Z"
         *     }
         */
        Cart: {
            /**
             * Format: uuid
             * @example 01a2f8c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b
             */
            id: string;
            status: components["schemas"]["CartStatus"];
            /**
             * Format: int64
             * @example 1
             */
            version: number;
            /** Format: uuid */
            order_id: string | null;
            /** Format: uuid */
            merged_into: string | null;
            items: components["schemas"]["CartItem"][];
            /** @example 184000 */
            subtotal: number;
            /** @example 0 */
            discount: number;
            /** @example 0 */
            shipping: number;
            /** @example 0 */
            tax: number;
            tax_included: boolean;
            /** @example 184000 */
            total: number;
            /** @example IDR */
            currency: string;
            /**
             * Format: int64
             * @example 500
             */
            weight_g: number;
            reasons: components["schemas"]["QuoteReason"][];
            /**
             * Format: date-time
             * @example 2026-11-23T08:00:00.000Z
             */
            created_at: string;
            /**
             * Format: date-time
             * @example 2026-11-23T08:00:00.000Z
             */
            touched_at: string;
        };
        /**
         * @example {
         *       "quantity": 2
         *     }
         */
        OrdersPutCartItemRequest: {
            /**
             * Format: int32
             * @example 2
             */
            quantity: number;
        };
        /**
         * @example {
         *       "id": "0d6c7a0b-93a5-4a0f-8f7e-0c9b6f4a1d22",
         *       "user_id": 7,
         *       "type": "order_paid",
         *       "channel": "email",
         *       "recipient": "budi@toko.test",
         *       "subject": "Pembayaran Order #TK-000001 diterima",
         *       "status": "sent",
         *       "history": [
         *         {
         *           "status": "queued",
         *           "at": "2026-11-23T08:00:00.000Z"
         *         },
         *         {
         *           "status": "sent",
         *           "at": "2026-11-23T08:00:01.000Z"
         *         }
         *       ],
         *       "created_at": "2026-11-23T08:00:00.000Z",
         *       "sent_at": "2026-11-23T08:00:01.000Z"
         *     }
         */
        Notification: {
            /**
             * Format: uuid
             * @example 0d6c7a0b-93a5-4a0f-8f7e-0c9b6f4a1d22
             */
            id: string;
            /**
             * Format: int32
             * @example 7
             */
            user_id: number;
            /** @example order_paid */
            type: string;
            channel: components["schemas"]["Channel"];
            /** @example budi@toko.test */
            recipient: string | null;
            /** @example Pembayaran Order #TK-000001 diterima */
            subject: string | null;
            /**
             * @example sent
             * @enum {string}
             */
            status: "queued" | "sent" | "failed";
            history: components["schemas"]["NotificationStep"][];
            /**
             * Format: date-time
             * @example 2026-11-23T08:00:00.000Z
             */
            created_at: string;
            /**
             * Format: date-time
             * @example 2026-11-23T08:00:01.000Z
             */
            sent_at: string | null;
        };
        /** @enum {string} */
        Channel: "email" | "sms";
        NotificationStep: {
            status: string;
            /** Format: date-time */
            at: string;
            reason?: string;
            /** Format: int64 */
            tries?: number;
        };
        /**
         * @example {
         *       "id": "0d6c7a0b-93a5-4a0f-8f7e-0c9b6f4a1d22",
         *       "name": "order.paid",
         *       "payload": {
         *         "name": "order.paid"
         *       },
         *       "error": "it has no id, aggregate and sequence",
         *       "stack": "NotAnEvent: …",
         *       "tries": 5,
         *       "failed_at": "2026-11-23T08:00:00.000Z"
         *     }
         */
        DeadLetter: {
            /**
             * Format: uuid
             * @example 0d6c7a0b-93a5-4a0f-8f7e-0c9b6f4a1d22
             */
            id: string;
            /** @example order.paid */
            name: string;
            payload: unknown;
            /** @example it has no id, aggregate and sequence */
            error: string;
            /** @example NotAnEvent: … */
            stack: string;
            /**
             * Format: int64
             * @example 5
             */
            tries: number;
            /**
             * Format: date-time
             * @example 2026-11-23T08:00:00.000Z
             */
            failed_at: string;
        };
        NotificationsRetryDeadLetterResult: {
            /**
             * Format: uuid
             * @example 0d6c7a0b-93a5-4a0f-8f7e-0c9b6f4a1d22
             */
            id: string;
            name: string;
        };
        JsonWebKeySet: {
            keys: components["schemas"]["JsonWebKey"][];
        };
        JsonWebKey: {
            /** @constant */
            kty: "OKP";
            /** @constant */
            crv: "Ed25519";
            x: string;
            kid: string;
            /** @constant */
            alg: "EdDSA";
            /** @constant */
            use: "sig";
        };
        UsersHealthResult: {
            /** @constant */
            status: "healthy";
            /** @constant */
            service: "user-service";
        };
        ProductsHealthResult: {
            /** @constant */
            status: "healthy";
            /** @constant */
            service: "product-service";
        };
        OrdersHealthResult: {
            /** @constant */
            status: "healthy";
            /** @constant */
            service: "order-service";
        };
        NotificationsHealthResult: {
            /** @constant */
            status: "healthy";
            /** @constant */
            service: "notification-service";
        };
        ShopReady: {
            /** @enum {string} */
            status: "ready" | "not_ready";
            /** @constant */
            service: "api-gateway";
            services: {
                [key: string]: "healthy" | "unavailable" | "stopping";
            };
            reasons?: {
                [key: string]: string;
            };
        };
        GatewayHealth: {
            /** @constant */
            status: "healthy";
            /** @constant */
            service: "api-gateway";
        };
        GatewayLive: {
            /** @constant */
            status: "alive";
            /** @constant */
            service: "api-gateway";
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: {
        /**
         * @description Where the next page is, if there is one: `<…>; rel="next"` (RFC 8288), relative to this one
         * @example </api/v1/users?limit=50&cursor=WyJ1c2VycyIsIjUwIl0>; rel="next"
         */
        Link: string;
        /**
         * @description Where the new thing is, relative to this address
         * @example /api/v1/products/01a20af7e8d300020f7306eb
         */
        Location: string;
        /**
         * @description Seconds to wait before the next try
         * @example 1
         */
        "Retry-After": number;
    };
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    usersRegister: {
        parameters: {
            query?: never;
            header?: {
                /** @example 7c4a8d09-ca37-4f2e-9b65-1d0f6a3e5b21 */
                "idempotency-key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "email": "budi@toko.test",
                 *       "username": "budi",
                 *       "password": "rahasia-budi",
                 *       "full_name": "Budi Santoso"
                 *     }
                 */
                "application/json": components["schemas"]["UsersRegisterRequest"];
            };
        };
        responses: {
            /** @description Done */
            201: {
                headers: {
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"];
                };
            };
            /**
             * @description `MALFORMED_QUERY`: The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25.
             *
             *     `MALFORMED_BODY`: The body is not valid JSON in UTF-8.
             *
             *     `EMAIL_TAKEN`: This e-mail is already registered.
             *
             *     `USERNAME_TAKEN`: This username is already taken.
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `BODY_TOO_LARGE`: The body is too large: send at most {limit}. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNSUPPORTED_MEDIA_TYPE`: Send the body as application/json in UTF-8. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `VALIDATION_FAILED`: The request does not have the right form: see errors. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second.
             *
             *     `TOO_MANY_REGISTRATIONS`: Too many registrations from your address: try again in {retry_after_s} seconds.
             */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again.
             *
             *     `KEY_IN_USE`: The first request with this Idempotency-Key is still under way: repeat it in a moment.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    usersLogin: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "email": "budi@toko.test",
                 *       "password": "rahasia-budi"
                 *     }
                 */
                "application/json": components["schemas"]["UsersLoginRequest"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Tokens"];
                };
            };
            /**
             * @description `MALFORMED_QUERY`: The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25.
             *
             *     `MALFORMED_BODY`: The body is not valid JSON in UTF-8.
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `BAD_CREDENTIALS`: Wrong e-mail or password. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `BODY_TOO_LARGE`: The body is too large: send at most {limit}. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNSUPPORTED_MEDIA_TYPE`: Send the body as application/json in UTF-8. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `VALIDATION_FAILED`: The request does not have the right form: see errors. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second.
             *
             *     `TOO_MANY_LOGINS`: Too many wrong passwords: try again in {retry_after_s} seconds, or reset the password.
             */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again. */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    usersRefresh: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "refresh_token": "NmQ0ZjE3YzktM2E1Ni00ZGQ4LWI2MTE"
                 *     }
                 */
                "application/json": components["schemas"]["UsersRefreshRequest"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Tokens"];
                };
            };
            /**
             * @description `MALFORMED_QUERY`: The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25.
             *
             *     `MALFORMED_BODY`: The body is not valid JSON in UTF-8.
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOKEN_INVALID`: The token is not valid or has expired: log in again. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `BODY_TOO_LARGE`: The body is too large: send at most {limit}. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNSUPPORTED_MEDIA_TYPE`: Send the body as application/json in UTF-8. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `VALIDATION_FAILED`: The request does not have the right form: see errors. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again. */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    usersLogout: {
        parameters: {
            query?: never;
            header?: {
                /** @example 7c4a8d09-ca37-4f2e-9b65-1d0f6a3e5b21 */
                "idempotency-key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "refresh_token": "NmQ0ZjE3YzktM2E1Ni00ZGQ4LWI2MTE"
                 *     }
                 */
                "application/json": components["schemas"]["UsersLogoutRequest"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Message"];
                };
            };
            /**
             * @description `MALFORMED_QUERY`: The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25.
             *
             *     `MALFORMED_BODY`: The body is not valid JSON in UTF-8.
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `BODY_TOO_LARGE`: The body is too large: send at most {limit}. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNSUPPORTED_MEDIA_TYPE`: Send the body as application/json in UTF-8. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `VALIDATION_FAILED`: The request does not have the right form: see errors. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again.
             *
             *     `KEY_IN_USE`: The first request with this Idempotency-Key is still under way: repeat it in a moment.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    usersLogoutAll: {
        parameters: {
            query?: never;
            header?: {
                /** @example 7c4a8d09-ca37-4f2e-9b65-1d0f6a3e5b21 */
                "idempotency-key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Message"];
                };
            };
            /** @description `MALFORMED_BODY`: The body is not valid JSON in UTF-8. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAUTHENTICATED`: Log in and send the access token as Authorization: Bearer.
             *
             *     `TOKEN_INVALID`: The token is not valid or has expired: log in again.
             */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `BODY_TOO_LARGE`: The body is too large: send at most {limit}. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNSUPPORTED_MEDIA_TYPE`: Send the body as application/json in UTF-8. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `VALIDATION_FAILED`: The request does not have the right form: see errors.
             *
             *     `KEY_REUSED`: This Idempotency-Key was used for another request: take a new key.
             */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again.
             *
             *     `KEY_IN_USE`: The first request with this Idempotency-Key is still under way: repeat it in a moment.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    usersVerify: {
        parameters: {
            query?: never;
            header?: {
                /** @example 7c4a8d09-ca37-4f2e-9b65-1d0f6a3e5b21 */
                "idempotency-key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"];
                };
            };
            /** @description `MALFORMED_BODY`: The body is not valid JSON in UTF-8. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAUTHENTICATED`: Log in and send the access token as Authorization: Bearer.
             *
             *     `TOKEN_INVALID`: The token is not valid or has expired: log in again.
             */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `BODY_TOO_LARGE`: The body is too large: send at most {limit}. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNSUPPORTED_MEDIA_TYPE`: Send the body as application/json in UTF-8. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `VALIDATION_FAILED`: The request does not have the right form: see errors.
             *
             *     `KEY_REUSED`: This Idempotency-Key was used for another request: take a new key.
             */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again.
             *
             *     `KEY_IN_USE`: The first request with this Idempotency-Key is still under way: repeat it in a moment.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    usersVerifyEmail: {
        parameters: {
            query?: never;
            header?: {
                /** @example 7c4a8d09-ca37-4f2e-9b65-1d0f6a3e5b21 */
                "idempotency-key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "email": "budi@toko.test"
                 *     }
                 */
                "application/json": components["schemas"]["UsersVerifyEmailRequest"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Message"];
                };
            };
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Message"];
                };
            };
            /**
             * @description `MALFORMED_QUERY`: The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25.
             *
             *     `MALFORMED_BODY`: The body is not valid JSON in UTF-8.
             *
             *     `MAIL_TOKEN_INVALID`: The link is not valid, was used or has expired: ask for a new mail.
             *
             *     `EMAIL_TAKEN`: This e-mail is already registered.
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `BODY_TOO_LARGE`: The body is too large: send at most {limit}. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNSUPPORTED_MEDIA_TYPE`: Send the body as application/json in UTF-8. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `VALIDATION_FAILED`: The request does not have the right form: see errors. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again.
             *
             *     `KEY_IN_USE`: The first request with this Idempotency-Key is still under way: repeat it in a moment.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    usersForgotPassword: {
        parameters: {
            query?: never;
            header?: {
                /** @example 7c4a8d09-ca37-4f2e-9b65-1d0f6a3e5b21 */
                "idempotency-key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "email": "budi@toko.test"
                 *     }
                 */
                "application/json": components["schemas"]["UsersForgotPasswordRequest"];
            };
        };
        responses: {
            /** @description Done */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Message"];
                };
            };
            /**
             * @description `MALFORMED_QUERY`: The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25.
             *
             *     `MALFORMED_BODY`: The body is not valid JSON in UTF-8.
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `BODY_TOO_LARGE`: The body is too large: send at most {limit}. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNSUPPORTED_MEDIA_TYPE`: Send the body as application/json in UTF-8. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `VALIDATION_FAILED`: The request does not have the right form: see errors. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again.
             *
             *     `KEY_IN_USE`: The first request with this Idempotency-Key is still under way: repeat it in a moment.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    usersResetPassword: {
        parameters: {
            query?: never;
            header?: {
                /** @example 7c4a8d09-ca37-4f2e-9b65-1d0f6a3e5b21 */
                "idempotency-key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "token": "reset.7.1795478400.c2lnbmF0dXJl",
                 *       "new_password": "rahasia-baru"
                 *     }
                 */
                "application/json": components["schemas"]["UsersResetPasswordRequest"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Message"];
                };
            };
            /**
             * @description `MALFORMED_QUERY`: The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25.
             *
             *     `MALFORMED_BODY`: The body is not valid JSON in UTF-8.
             *
             *     `MAIL_TOKEN_INVALID`: The link is not valid, was used or has expired: ask for a new mail.
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `BODY_TOO_LARGE`: The body is too large: send at most {limit}. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNSUPPORTED_MEDIA_TYPE`: Send the body as application/json in UTF-8. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `VALIDATION_FAILED`: The request does not have the right form: see errors. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again.
             *
             *     `KEY_IN_USE`: The first request with this Idempotency-Key is still under way: repeat it in a moment.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    usersMe: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OwnUser"];
                };
            };
            /**
             * @description `UNAUTHENTICATED`: Log in and send the access token as Authorization: Bearer.
             *
             *     `TOKEN_INVALID`: The token is not valid or has expired: log in again.
             */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `VALIDATION_FAILED`: The request does not have the right form: see errors. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again. */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    usersUpdateMe: {
        parameters: {
            query?: never;
            header?: {
                /** @example 7c4a8d09-ca37-4f2e-9b65-1d0f6a3e5b21 */
                "idempotency-key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "locale": "en",
                 *       "phone": "+6281234567890"
                 *     }
                 */
                "application/json": components["schemas"]["UsersUpdateMeRequest"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OwnUser"];
                };
            };
            /**
             * @description `MALFORMED_QUERY`: The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25.
             *
             *     `MALFORMED_BODY`: The body is not valid JSON in UTF-8.
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAUTHENTICATED`: Log in and send the access token as Authorization: Bearer.
             *
             *     `TOKEN_INVALID`: The token is not valid or has expired: log in again.
             */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `BODY_TOO_LARGE`: The body is too large: send at most {limit}. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNSUPPORTED_MEDIA_TYPE`: Send the body as application/json in UTF-8. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `VALIDATION_FAILED`: The request does not have the right form: see errors.
             *
             *     `KEY_REUSED`: This Idempotency-Key was used for another request: take a new key.
             */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again.
             *
             *     `KEY_IN_USE`: The first request with this Idempotency-Key is still under way: repeat it in a moment.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    usersChangePassword: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "current_password": "rahasia-budi",
                 *       "new_password": "rahasia-baru"
                 *     }
                 */
                "application/json": components["schemas"]["UsersChangePasswordRequest"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Tokens"];
                };
            };
            /**
             * @description `MALFORMED_QUERY`: The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25.
             *
             *     `MALFORMED_BODY`: The body is not valid JSON in UTF-8.
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAUTHENTICATED`: Log in and send the access token as Authorization: Bearer.
             *
             *     `TOKEN_INVALID`: The token is not valid or has expired: log in again.
             */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `WRONG_PASSWORD`: The current password is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `BODY_TOO_LARGE`: The body is too large: send at most {limit}. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNSUPPORTED_MEDIA_TYPE`: Send the body as application/json in UTF-8. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `VALIDATION_FAILED`: The request does not have the right form: see errors. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second.
             *
             *     `TOO_MANY_LOGINS`: Too many wrong passwords: try again in {retry_after_s} seconds, or reset the password.
             */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again. */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    usersChangeEmail: {
        parameters: {
            query?: never;
            header?: {
                /** @example 7c4a8d09-ca37-4f2e-9b65-1d0f6a3e5b21 */
                "idempotency-key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "current_password": "rahasia-budi",
                 *       "new_email": "budi@shop.example"
                 *     }
                 */
                "application/json": components["schemas"]["UsersChangeEmailRequest"];
            };
        };
        responses: {
            /** @description Done */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Message"];
                };
            };
            /**
             * @description `MALFORMED_QUERY`: The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25.
             *
             *     `MALFORMED_BODY`: The body is not valid JSON in UTF-8.
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAUTHENTICATED`: Log in and send the access token as Authorization: Bearer.
             *
             *     `TOKEN_INVALID`: The token is not valid or has expired: log in again.
             */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `WRONG_PASSWORD`: The current password is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `BODY_TOO_LARGE`: The body is too large: send at most {limit}. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNSUPPORTED_MEDIA_TYPE`: Send the body as application/json in UTF-8. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `VALIDATION_FAILED`: The request does not have the right form: see errors.
             *
             *     `KEY_REUSED`: This Idempotency-Key was used for another request: take a new key.
             */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second.
             *
             *     `TOO_MANY_LOGINS`: Too many wrong passwords: try again in {retry_after_s} seconds, or reset the password.
             *
             *     `TOO_MANY_MAILS`: Such a mail was sent a moment ago: try again in {retry_after_s} seconds.
             */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again.
             *
             *     `KEY_IN_USE`: The first request with this Idempotency-Key is still under way: repeat it in a moment.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    usersListAddresses: {
        parameters: {
            query?: {
                /** @example 0 */
                skip?: number;
                /** @example 100 */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    Link: components["headers"]["Link"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SavedAddress"][];
                };
            };
            /** @description `MALFORMED_QUERY`: The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAUTHENTICATED`: Log in and send the access token as Authorization: Bearer.
             *
             *     `TOKEN_INVALID`: The token is not valid or has expired: log in again.
             */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `VALIDATION_FAILED`: The request does not have the right form: see errors. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again. */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    usersAddAddress: {
        parameters: {
            query?: never;
            header?: {
                /** @example 7c4a8d09-ca37-4f2e-9b65-1d0f6a3e5b21 */
                "idempotency-key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "recipient": "Budi Santoso",
                 *       "phone": "+6281234567890",
                 *       "line1": "Jalan Braga 99",
                 *       "city": "Bandung",
                 *       "province": "Jawa Barat",
                 *       "postal_code": "40115"
                 *     }
                 */
                "application/json": components["schemas"]["UsersAddAddressRequest"];
            };
        };
        responses: {
            /** @description Done */
            201: {
                headers: {
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SavedAddress"];
                };
            };
            /**
             * @description `MALFORMED_QUERY`: The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25.
             *
             *     `MALFORMED_BODY`: The body is not valid JSON in UTF-8.
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAUTHENTICATED`: Log in and send the access token as Authorization: Bearer.
             *
             *     `TOKEN_INVALID`: The token is not valid or has expired: log in again.
             */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_ADDRESSES`: There are {max} addresses already: remove one first. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `BODY_TOO_LARGE`: The body is too large: send at most {limit}. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNSUPPORTED_MEDIA_TYPE`: Send the body as application/json in UTF-8. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `VALIDATION_FAILED`: The request does not have the right form: see errors.
             *
             *     `KEY_REUSED`: This Idempotency-Key was used for another request: take a new key.
             */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again.
             *
             *     `KEY_IN_USE`: The first request with this Idempotency-Key is still under way: repeat it in a moment.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    usersGetAddress: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 6e0d1c1a-3b0f-4c57-9d0e-5a1f0c2b7d11 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SavedAddress"];
                };
            };
            /** @description `MALFORMED_QUERY`: The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAUTHENTICATED`: Log in and send the access token as Authorization: Bearer.
             *
             *     `TOKEN_INVALID`: The token is not valid or has expired: log in again.
             */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `NOT_FOUND`: There is nothing at this address.
             *
             *     `ADDRESS_NOT_FOUND`: There is no such address.
             */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `VALIDATION_FAILED`: The request does not have the right form: see errors. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again. */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    usersRemoveAddress: {
        parameters: {
            query?: never;
            header?: {
                /** @example 7c4a8d09-ca37-4f2e-9b65-1d0f6a3e5b21 */
                "idempotency-key"?: string;
            };
            path: {
                /** @example 6e0d1c1a-3b0f-4c57-9d0e-5a1f0c2b7d11 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `MALFORMED_QUERY`: The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAUTHENTICATED`: Log in and send the access token as Authorization: Bearer.
             *
             *     `TOKEN_INVALID`: The token is not valid or has expired: log in again.
             */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `NOT_FOUND`: There is nothing at this address.
             *
             *     `ADDRESS_NOT_FOUND`: There is no such address.
             */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `VALIDATION_FAILED`: The request does not have the right form: see errors.
             *
             *     `KEY_REUSED`: This Idempotency-Key was used for another request: take a new key.
             */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again.
             *
             *     `KEY_IN_USE`: The first request with this Idempotency-Key is still under way: repeat it in a moment.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    usersUpdateAddress: {
        parameters: {
            query?: never;
            header?: {
                /** @example 7c4a8d09-ca37-4f2e-9b65-1d0f6a3e5b21 */
                "idempotency-key"?: string;
            };
            path: {
                /** @example 6e0d1c1a-3b0f-4c57-9d0e-5a1f0c2b7d11 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "line2": "Lantai 2",
                 *       "postal_code": "40111"
                 *     }
                 */
                "application/json": components["schemas"]["UsersUpdateAddressRequest"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SavedAddress"];
                };
            };
            /**
             * @description `MALFORMED_QUERY`: The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25.
             *
             *     `MALFORMED_BODY`: The body is not valid JSON in UTF-8.
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAUTHENTICATED`: Log in and send the access token as Authorization: Bearer.
             *
             *     `TOKEN_INVALID`: The token is not valid or has expired: log in again.
             */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `NOT_FOUND`: There is nothing at this address.
             *
             *     `ADDRESS_NOT_FOUND`: There is no such address.
             */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `BODY_TOO_LARGE`: The body is too large: send at most {limit}. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNSUPPORTED_MEDIA_TYPE`: Send the body as application/json in UTF-8. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `VALIDATION_FAILED`: The request does not have the right form: see errors.
             *
             *     `KEY_REUSED`: This Idempotency-Key was used for another request: take a new key.
             */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again.
             *
             *     `KEY_IN_USE`: The first request with this Idempotency-Key is still under way: repeat it in a moment.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    usersGet: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 7 */
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"];
                };
            };
            /** @description `MALFORMED_QUERY`: The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAUTHENTICATED`: Log in and send the access token as Authorization: Bearer.
             *
             *     `TOKEN_INVALID`: The token is not valid or has expired: log in again.
             */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `NOT_FOUND`: There is nothing at this address.
             *
             *     `USER_NOT_FOUND`: There is no such user.
             */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `VALIDATION_FAILED`: The request does not have the right form: see errors. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again. */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    usersRemove: {
        parameters: {
            query?: never;
            header?: {
                /** @example 7c4a8d09-ca37-4f2e-9b65-1d0f6a3e5b21 */
                "idempotency-key"?: string;
            };
            path: {
                /** @example 7 */
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `MALFORMED_QUERY`: The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAUTHENTICATED`: Log in and send the access token as Authorization: Bearer.
             *
             *     `TOKEN_INVALID`: The token is not valid or has expired: log in again.
             */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `NOT_FOUND`: There is nothing at this address.
             *
             *     `USER_NOT_FOUND`: There is no such user.
             */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `LAST_ADMIN`: This is the last admin: make another one first. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `VALIDATION_FAILED`: The request does not have the right form: see errors.
             *
             *     `KEY_REUSED`: This Idempotency-Key was used for another request: take a new key.
             */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again.
             *
             *     `KEY_IN_USE`: The first request with this Idempotency-Key is still under way: repeat it in a moment.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    usersUpdate: {
        parameters: {
            query?: never;
            header?: {
                /** @example 7c4a8d09-ca37-4f2e-9b65-1d0f6a3e5b21 */
                "idempotency-key"?: string;
            };
            path: {
                /** @example 7 */
                id: number;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "role": "admin"
                 *     }
                 */
                "application/json": components["schemas"]["UsersUpdateRequest"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"];
                };
            };
            /**
             * @description `MALFORMED_QUERY`: The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25.
             *
             *     `MALFORMED_BODY`: The body is not valid JSON in UTF-8.
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAUTHENTICATED`: Log in and send the access token as Authorization: Bearer.
             *
             *     `TOKEN_INVALID`: The token is not valid or has expired: log in again.
             */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `FORBIDDEN`: Your role does not allow this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `NOT_FOUND`: There is nothing at this address.
             *
             *     `USER_NOT_FOUND`: There is no such user.
             */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `LAST_ADMIN`: This is the last admin: make another one first. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `BODY_TOO_LARGE`: The body is too large: send at most {limit}. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNSUPPORTED_MEDIA_TYPE`: Send the body as application/json in UTF-8. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `VALIDATION_FAILED`: The request does not have the right form: see errors.
             *
             *     `KEY_REUSED`: This Idempotency-Key was used for another request: take a new key.
             */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again.
             *
             *     `KEY_IN_USE`: The first request with this Idempotency-Key is still under way: repeat it in a moment.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    usersList: {
        parameters: {
            query?: {
                /** @example 0 */
                skip?: number;
                /** @example 50 */
                limit?: number;
                /** @example WyJ1c2VycyIsIjciXQ */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    Link: components["headers"]["Link"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"][];
                };
            };
            /** @description `MALFORMED_QUERY`: The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAUTHENTICATED`: Log in and send the access token as Authorization: Bearer.
             *
             *     `TOKEN_INVALID`: The token is not valid or has expired: log in again.
             */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `FORBIDDEN`: Your role does not allow this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `VALIDATION_FAILED`: The request does not have the right form: see errors. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again. */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    productsList: {
        parameters: {
            query?: {
                /** @example 0 */
                skip?: number;
                /** @example 20 */
                limit?: number;
                /** @example WyJQZmpHYkY0MyIsIjAwMDAwMDAwMDAxODUwMCAwMWEyMTQwNzk2MTgwMDBhZWFiZDdiYmEiXQ */
                cursor?: string;
                /** @example kopi */
                category?: string;
                /** @example kopi */
                q?: string;
                /** @example 10000 */
                min_price?: number;
                /** @example 250000 */
                max_price?: number;
                /** @example true */
                in_stock?: boolean;
                /** @example price */
                sort?: "created_at" | "-created_at" | "price" | "-price" | "name" | "-name";
                /** @example true */
                collapse?: boolean;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    Link: components["headers"]["Link"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Product"][];
                };
            };
            /** @description As in `If-None-Match` */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `MALFORMED_QUERY`: The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `VALIDATION_FAILED`: The request does not have the right form: see errors. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again. */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    productsCreate: {
        parameters: {
            query?: never;
            header?: {
                /** @example 7c4a8d09-ca37-4f2e-9b65-1d0f6a3e5b21 */
                "idempotency-key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "name": "Kopi Gayo 250 g",
                 *       "description": "Biji sangrai.",
                 *       "price": 92000,
                 *       "stock": 40,
                 *       "category": "kopi"
                 *     }
                 */
                "application/json": components["schemas"]["ProductsCreateRequest"];
            };
        };
        responses: {
            /** @description Done */
            201: {
                headers: {
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Product"];
                };
            };
            /**
             * @description `MALFORMED_QUERY`: The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25.
             *
             *     `MALFORMED_BODY`: The body is not valid JSON in UTF-8.
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAUTHENTICATED`: Log in and send the access token as Authorization: Bearer.
             *
             *     `TOKEN_INVALID`: The token is not valid or has expired: log in again.
             */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `FORBIDDEN`: Your role does not allow this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `PRODUCT_GROUP_NOT_FOUND`: There is no such group of products. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `VARIANT_EXISTS`: The product {product_id} of this group has these options already. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `BODY_TOO_LARGE`: The body is too large: send at most {limit}. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNSUPPORTED_MEDIA_TYPE`: Send the body as application/json in UTF-8. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `VALIDATION_FAILED`: The request does not have the right form: see errors.
             *
             *     `KEY_REUSED`: This Idempotency-Key was used for another request: take a new key.
             */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again.
             *
             *     `KEY_IN_USE`: The first request with this Idempotency-Key is still under way: repeat it in a moment.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    productsCategories: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": string[];
                };
            };
            /** @description As in `If-None-Match` */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `VALIDATION_FAILED`: The request does not have the right form: see errors. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again. */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    productsGet: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 01a20af7e8d300020f7306eb */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Product"];
                };
            };
            /** @description As in `If-None-Match` */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `MALFORMED_QUERY`: The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `NOT_FOUND`: There is nothing at this address.
             *
             *     `PRODUCT_NOT_FOUND`: There is no such product.
             */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `VALIDATION_FAILED`: The request does not have the right form: see errors. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again. */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    productsRemove: {
        parameters: {
            query?: never;
            header?: {
                /** @example 7c4a8d09-ca37-4f2e-9b65-1d0f6a3e5b21 */
                "idempotency-key"?: string;
            };
            path: {
                /** @example 01a20af7e8d300020f7306eb */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `MALFORMED_QUERY`: The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAUTHENTICATED`: Log in and send the access token as Authorization: Bearer.
             *
             *     `TOKEN_INVALID`: The token is not valid or has expired: log in again.
             */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `FORBIDDEN`: Your role does not allow this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `NOT_FOUND`: There is nothing at this address.
             *
             *     `PRODUCT_NOT_FOUND`: There is no such product.
             */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `VALIDATION_FAILED`: The request does not have the right form: see errors.
             *
             *     `KEY_REUSED`: This Idempotency-Key was used for another request: take a new key.
             */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again.
             *
             *     `KEY_IN_USE`: The first request with this Idempotency-Key is still under way: repeat it in a moment.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    productsUpdate: {
        parameters: {
            query?: never;
            header?: {
                /** @example 7c4a8d09-ca37-4f2e-9b65-1d0f6a3e5b21 */
                "idempotency-key"?: string;
            };
            path: {
                /** @example 01a20af7e8d300020f7306eb */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "price": 95000
                 *     }
                 */
                "application/json": components["schemas"]["ProductsUpdateRequest"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Product"];
                };
            };
            /**
             * @description `MALFORMED_QUERY`: The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25.
             *
             *     `MALFORMED_BODY`: The body is not valid JSON in UTF-8.
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAUTHENTICATED`: Log in and send the access token as Authorization: Bearer.
             *
             *     `TOKEN_INVALID`: The token is not valid or has expired: log in again.
             */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `FORBIDDEN`: Your role does not allow this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `NOT_FOUND`: There is nothing at this address.
             *
             *     `PRODUCT_NOT_FOUND`: There is no such product.
             *
             *     `PRODUCT_GROUP_NOT_FOUND`: There is no such group of products.
             */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `VARIANT_EXISTS`: The product {product_id} of this group has these options already. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `BODY_TOO_LARGE`: The body is too large: send at most {limit}. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNSUPPORTED_MEDIA_TYPE`: Send the body as application/json in UTF-8. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `VALIDATION_FAILED`: The request does not have the right form: see errors.
             *
             *     `KEY_REUSED`: This Idempotency-Key was used for another request: take a new key.
             */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again.
             *
             *     `KEY_IN_USE`: The first request with this Idempotency-Key is still under way: repeat it in a moment.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    productsCreateGroup: {
        parameters: {
            query?: never;
            header?: {
                /** @example 7c4a8d09-ca37-4f2e-9b65-1d0f6a3e5b21 */
                "idempotency-key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "name": "Kaos Toko",
                 *       "description": "Katun.",
                 *       "category": "kaos",
                 *       "options": [
                 *         "ukuran",
                 *         "warna"
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["ProductsCreateGroupRequest"];
            };
        };
        responses: {
            /** @description Done */
            201: {
                headers: {
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProductGroup"];
                };
            };
            /**
             * @description `MALFORMED_QUERY`: The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25.
             *
             *     `MALFORMED_BODY`: The body is not valid JSON in UTF-8.
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAUTHENTICATED`: Log in and send the access token as Authorization: Bearer.
             *
             *     `TOKEN_INVALID`: The token is not valid or has expired: log in again.
             */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `FORBIDDEN`: Your role does not allow this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `BODY_TOO_LARGE`: The body is too large: send at most {limit}. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNSUPPORTED_MEDIA_TYPE`: Send the body as application/json in UTF-8. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `VALIDATION_FAILED`: The request does not have the right form: see errors.
             *
             *     `KEY_REUSED`: This Idempotency-Key was used for another request: take a new key.
             */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again.
             *
             *     `KEY_IN_USE`: The first request with this Idempotency-Key is still under way: repeat it in a moment.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    productsGetGroup: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 01a20af7e8d300020f7306ec */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProductGroup"];
                };
            };
            /** @description As in `If-None-Match` */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `MALFORMED_QUERY`: The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `NOT_FOUND`: There is nothing at this address.
             *
             *     `PRODUCT_GROUP_NOT_FOUND`: There is no such group of products.
             */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `VALIDATION_FAILED`: The request does not have the right form: see errors. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again. */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    productsRemoveGroup: {
        parameters: {
            query?: never;
            header?: {
                /** @example 7c4a8d09-ca37-4f2e-9b65-1d0f6a3e5b21 */
                "idempotency-key"?: string;
            };
            path: {
                /** @example 01a20af7e8d300020f7306ec */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `MALFORMED_QUERY`: The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAUTHENTICATED`: Log in and send the access token as Authorization: Bearer.
             *
             *     `TOKEN_INVALID`: The token is not valid or has expired: log in again.
             */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `FORBIDDEN`: Your role does not allow this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `NOT_FOUND`: There is nothing at this address.
             *
             *     `PRODUCT_GROUP_NOT_FOUND`: There is no such group of products.
             */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `VALIDATION_FAILED`: The request does not have the right form: see errors.
             *
             *     `KEY_REUSED`: This Idempotency-Key was used for another request: take a new key.
             */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again.
             *
             *     `KEY_IN_USE`: The first request with this Idempotency-Key is still under way: repeat it in a moment.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    productsUpdateGroup: {
        parameters: {
            query?: never;
            header?: {
                /** @example 7c4a8d09-ca37-4f2e-9b65-1d0f6a3e5b21 */
                "idempotency-key"?: string;
            };
            path: {
                /** @example 01a20af7e8d300020f7306ec */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "name": "Kaos Toko"
                 *     }
                 */
                "application/json": components["schemas"]["ProductsUpdateGroupRequest"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProductGroup"];
                };
            };
            /**
             * @description `MALFORMED_QUERY`: The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25.
             *
             *     `MALFORMED_BODY`: The body is not valid JSON in UTF-8.
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAUTHENTICATED`: Log in and send the access token as Authorization: Bearer.
             *
             *     `TOKEN_INVALID`: The token is not valid or has expired: log in again.
             */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `FORBIDDEN`: Your role does not allow this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `NOT_FOUND`: There is nothing at this address.
             *
             *     `PRODUCT_GROUP_NOT_FOUND`: There is no such group of products.
             */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `GROUP_HAS_VARIANTS`: The options of a group keep their names while it has variants: only their order can change. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `BODY_TOO_LARGE`: The body is too large: send at most {limit}. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNSUPPORTED_MEDIA_TYPE`: Send the body as application/json in UTF-8. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `VALIDATION_FAILED`: The request does not have the right form: see errors.
             *
             *     `KEY_REUSED`: This Idempotency-Key was used for another request: take a new key.
             */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again.
             *
             *     `KEY_IN_USE`: The first request with this Idempotency-Key is still under way: repeat it in a moment.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    productsChangeStock: {
        parameters: {
            query?: {
                /** @example 1 */
                quantity?: number;
            };
            header?: {
                /** @example 7c4a8d09-ca37-4f2e-9b65-1d0f6a3e5b21 */
                "idempotency-key"?: string;
            };
            path: {
                /** @example 01a20af7e8d300020f7306eb */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "stock": 40,
                 *       "expected": 38
                 *     }
                 */
                "application/json": components["schemas"]["ProductsChangeStockRequest"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProductsChangeStockResult"];
                };
            };
            /**
             * @description `MALFORMED_QUERY`: The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25.
             *
             *     `MALFORMED_BODY`: The body is not valid JSON in UTF-8.
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAUTHENTICATED`: Log in and send the access token as Authorization: Bearer.
             *
             *     `TOKEN_INVALID`: The token is not valid or has expired: log in again.
             */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `FORBIDDEN`: Your role does not allow this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `NOT_FOUND`: There is nothing at this address.
             *
             *     `PRODUCT_NOT_FOUND`: There is no such product.
             */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `STOCK_WOULD_BE_NEGATIVE`: The stock would go below zero: only {stock} left.
             *
             *     `STOCK_TOO_LARGE`: The stock would go above {max}.
             *
             *     `STOCK_DIFFERS`: The stock is {stock}, not {expected}: nothing was changed.
             */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `BODY_TOO_LARGE`: The body is too large: send at most {limit}. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNSUPPORTED_MEDIA_TYPE`: Send the body as application/json in UTF-8. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `VALIDATION_FAILED`: The request does not have the right form: see errors.
             *
             *     `KEY_REUSED`: This Idempotency-Key was used for another request: take a new key.
             */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again.
             *
             *     `KEY_IN_USE`: The first request with this Idempotency-Key is still under way: repeat it in a moment.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ordersList: {
        parameters: {
            query?: {
                /** @example 0 */
                skip?: number;
                /** @example 20 */
                limit?: number;
                /** @example WyJvcmRlcnMiLCIyMDI2LTExLTIzVDA4OjAwOjAwLjEyMzQ1NiswMDowMCAzZjFjOGE1Mi03ZDFlLTRiMmYtOWM1NS0wYTZmMmY3ZjlmMTEiXQ */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    Link: components["headers"]["Link"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Order"][];
                };
            };
            /** @description `MALFORMED_QUERY`: The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAUTHENTICATED`: Log in and send the access token as Authorization: Bearer.
             *
             *     `TOKEN_INVALID`: The token is not valid or has expired: log in again.
             */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `VALIDATION_FAILED`: The request does not have the right form: see errors. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again. */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ordersPlace: {
        parameters: {
            query?: never;
            header?: {
                /** @example 7c4a8d09-ca37-4f2e-9b65-1d0f6a3e5b21 */
                "idempotency-key"?: string;
                /** @example Zk3v0nT8yN2sQm5rXb7LwA1cE9uHfJ4dGpR6tYiKoVs */
                "cart-token"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "items": [
                 *         {
                 *           "product_id": "01a20af7e8d300020f7306eb",
                 *           "quantity": 2
                 *         }
                 *       ],
                 *       "note": "Tolong dibungkus"
                 *     }
                 */
                "application/json": components["schemas"]["OrdersPlaceRequest"];
            };
        };
        responses: {
            /** @description Done */
            201: {
                headers: {
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Order"];
                };
            };
            /**
             * @description `MALFORMED_QUERY`: The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25.
             *
             *     `MALFORMED_BODY`: The body is not valid JSON in UTF-8.
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAUTHENTICATED`: Log in and send the access token as Authorization: Bearer.
             *
             *     `TOKEN_INVALID`: The token is not valid or has expired: log in again.
             */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `PRODUCT_NOT_FOUND`: There is no such product.
             *
             *     `ADDRESS_NOT_FOUND`: There is no such address.
             *
             *     `CART_NOT_FOUND`: There is no such cart, or its token is missing or wrong.
             */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `OUT_OF_STOCK`: There are not enough units: see errors for every short line.
             *
             *     `VOUCHER_USED_UP`: The voucher is used up: {reason}.
             *
             *     `PRICE_CHANGED`: The order costs {total} now: nothing was ordered.
             *
             *     `CART_ORDERED`: The cart was ordered already, as the order {order_id}.
             *
             *     `CART_MERGED`: The cart was merged into the cart {cart_id} of its user.
             *
             *     `CART_CHANGED`: The cart was changed while it was ordered: nothing was ordered.
             */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `BODY_TOO_LARGE`: The body is too large: send at most {limit}. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNSUPPORTED_MEDIA_TYPE`: Send the body as application/json in UTF-8. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `VALIDATION_FAILED`: The request does not have the right form: see errors.
             *
             *     `TOTAL_TOO_LARGE`: The total of the order is too large.
             *
             *     `SHIPPING_NOT_AVAILABLE`: The order cannot be shipped in this way: {reason}.
             *
             *     `VOUCHER_NOT_APPLICABLE`: The voucher does not apply to this order: {reason}.
             *
             *     `CART_EMPTY`: The cart is empty: there is nothing to order.
             *
             *     `KEY_REUSED`: This Idempotency-Key was used for another request: take a new key.
             */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again.
             *
             *     `ORDER_NOT_PLACED`: The order was not placed and nothing is held. Try again.
             *
             *     `ORDER_UNKNOWN`: It is not known whether the order was placed: repeat it with the same Idempotency-Key, or look at GET /orders.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ordersQuote: {
        parameters: {
            query?: never;
            header?: {
                /** @example Zk3v0nT8yN2sQm5rXb7LwA1cE9uHfJ4dGpR6tYiKoVs */
                "cart-token"?: string;
                /** @example 7c4a8d09-ca37-4f2e-9b65-1d0f6a3e5b21 */
                "idempotency-key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "items": [
                 *         {
                 *           "product_id": "01a20af7e8d300020f7306eb",
                 *           "quantity": 2
                 *         }
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["OrdersQuoteRequest"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Quote"];
                };
            };
            /**
             * @description `MALFORMED_QUERY`: The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25.
             *
             *     `MALFORMED_BODY`: The body is not valid JSON in UTF-8.
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAUTHENTICATED`: Log in and send the access token as Authorization: Bearer.
             *
             *     `TOKEN_INVALID`: The token is not valid or has expired: log in again.
             */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `PRODUCT_NOT_FOUND`: There is no such product.
             *
             *     `ADDRESS_NOT_FOUND`: There is no such address.
             *
             *     `CART_NOT_FOUND`: There is no such cart, or its token is missing or wrong.
             */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `CART_ORDERED`: The cart was ordered already, as the order {order_id}.
             *
             *     `CART_MERGED`: The cart was merged into the cart {cart_id} of its user.
             */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `BODY_TOO_LARGE`: The body is too large: send at most {limit}. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNSUPPORTED_MEDIA_TYPE`: Send the body as application/json in UTF-8. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `VALIDATION_FAILED`: The request does not have the right form: see errors.
             *
             *     `TOTAL_TOO_LARGE`: The total of the order is too large.
             *
             *     `CART_EMPTY`: The cart is empty: there is nothing to order.
             */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again.
             *
             *     `KEY_IN_USE`: The first request with this Idempotency-Key is still under way: repeat it in a moment.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ordersGet: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 3f1c8a52-7d1e-4b2f-9c55-0a6f2f7f9f11 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Order"];
                };
            };
            /** @description `MALFORMED_QUERY`: The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAUTHENTICATED`: Log in and send the access token as Authorization: Bearer.
             *
             *     `TOKEN_INVALID`: The token is not valid or has expired: log in again.
             */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `NOT_FOUND`: There is nothing at this address.
             *
             *     `ORDER_NOT_FOUND`: There is no such order.
             */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `VALIDATION_FAILED`: The request does not have the right form: see errors. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again. */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ordersCancel: {
        parameters: {
            query?: never;
            header?: {
                /** @example 7c4a8d09-ca37-4f2e-9b65-1d0f6a3e5b21 */
                "idempotency-key"?: string;
            };
            path: {
                /** @example 3f1c8a52-7d1e-4b2f-9c55-0a6f2f7f9f11 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Order"];
                };
            };
            /**
             * @description `MALFORMED_QUERY`: The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25.
             *
             *     `MALFORMED_BODY`: The body is not valid JSON in UTF-8.
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAUTHENTICATED`: Log in and send the access token as Authorization: Bearer.
             *
             *     `TOKEN_INVALID`: The token is not valid or has expired: log in again.
             */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `NOT_FOUND`: There is nothing at this address.
             *
             *     `ORDER_NOT_FOUND`: There is no such order.
             */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `ORDER_IN_OTHER_STATE`: The order is {state}: this is not possible in this state. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `BODY_TOO_LARGE`: The body is too large: send at most {limit}. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNSUPPORTED_MEDIA_TYPE`: Send the body as application/json in UTF-8. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `VALIDATION_FAILED`: The request does not have the right form: see errors.
             *
             *     `KEY_REUSED`: This Idempotency-Key was used for another request: take a new key.
             */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again.
             *
             *     `KEY_IN_USE`: The first request with this Idempotency-Key is still under way: repeat it in a moment.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ordersPay: {
        parameters: {
            query?: never;
            header?: {
                /** @example 7c4a8d09-ca37-4f2e-9b65-1d0f6a3e5b21 */
                "idempotency-key"?: string;
            };
            path: {
                /** @example 3f1c8a52-7d1e-4b2f-9c55-0a6f2f7f9f11 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "method": "transfer"
                 *     }
                 */
                "application/json": components["schemas"]["OrdersPayRequest"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PayableOrder"];
                };
            };
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PayableOrder"];
                };
            };
            /**
             * @description `MALFORMED_QUERY`: The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25.
             *
             *     `MALFORMED_BODY`: The body is not valid JSON in UTF-8.
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAUTHENTICATED`: Log in and send the access token as Authorization: Bearer.
             *
             *     `TOKEN_INVALID`: The token is not valid or has expired: log in again.
             */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `PAYMENT_DECLINED`: The payment was declined and nothing was charged: try again or pay in another way. */
            402: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `NOT_FOUND`: There is nothing at this address.
             *
             *     `ORDER_NOT_FOUND`: There is no such order.
             */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `ORDER_IN_OTHER_STATE`: The order is {state}: this is not possible in this state. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `BODY_TOO_LARGE`: The body is too large: send at most {limit}. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNSUPPORTED_MEDIA_TYPE`: Send the body as application/json in UTF-8. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `VALIDATION_FAILED`: The request does not have the right form: see errors.
             *
             *     `KEY_REUSED`: This Idempotency-Key was used for another request: take a new key.
             */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again.
             *
             *     `KEY_IN_USE`: The first request with this Idempotency-Key is still under way: repeat it in a moment.
             *
             *     `PAYMENT_NOT_MADE`: The payment took too long and was ended; nothing was charged: try again.
             *
             *     `PAYMENT_UNKNOWN`: It is not known yet whether the payment was made: look at the order in a minute. Nothing is charged twice.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ordersShip: {
        parameters: {
            query?: never;
            header?: {
                /** @example 7c4a8d09-ca37-4f2e-9b65-1d0f6a3e5b21 */
                "idempotency-key"?: string;
            };
            path: {
                /** @example 3f1c8a52-7d1e-4b2f-9c55-0a6f2f7f9f11 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "carrier": "JNE",
                 *       "tracking_number": "CGK1234567890"
                 *     }
                 */
                "application/json": components["schemas"]["OrdersShipRequest"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Order"];
                };
            };
            /**
             * @description `MALFORMED_QUERY`: The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25.
             *
             *     `MALFORMED_BODY`: The body is not valid JSON in UTF-8.
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAUTHENTICATED`: Log in and send the access token as Authorization: Bearer.
             *
             *     `TOKEN_INVALID`: The token is not valid or has expired: log in again.
             */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `FORBIDDEN`: Your role does not allow this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `NOT_FOUND`: There is nothing at this address.
             *
             *     `ORDER_NOT_FOUND`: There is no such order.
             */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `ORDER_IN_OTHER_STATE`: The order is {state}: this is not possible in this state. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `BODY_TOO_LARGE`: The body is too large: send at most {limit}. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNSUPPORTED_MEDIA_TYPE`: Send the body as application/json in UTF-8. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `VALIDATION_FAILED`: The request does not have the right form: see errors.
             *
             *     `KEY_REUSED`: This Idempotency-Key was used for another request: take a new key.
             */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again.
             *
             *     `KEY_IN_USE`: The first request with this Idempotency-Key is still under way: repeat it in a moment.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ordersComplete: {
        parameters: {
            query?: never;
            header?: {
                /** @example 7c4a8d09-ca37-4f2e-9b65-1d0f6a3e5b21 */
                "idempotency-key"?: string;
            };
            path: {
                /** @example 3f1c8a52-7d1e-4b2f-9c55-0a6f2f7f9f11 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Order"];
                };
            };
            /**
             * @description `MALFORMED_QUERY`: The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25.
             *
             *     `MALFORMED_BODY`: The body is not valid JSON in UTF-8.
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAUTHENTICATED`: Log in and send the access token as Authorization: Bearer.
             *
             *     `TOKEN_INVALID`: The token is not valid or has expired: log in again.
             */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `FORBIDDEN`: Your role does not allow this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `NOT_FOUND`: There is nothing at this address.
             *
             *     `ORDER_NOT_FOUND`: There is no such order.
             */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `ORDER_IN_OTHER_STATE`: The order is {state}: this is not possible in this state. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `BODY_TOO_LARGE`: The body is too large: send at most {limit}. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNSUPPORTED_MEDIA_TYPE`: Send the body as application/json in UTF-8. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `VALIDATION_FAILED`: The request does not have the right form: see errors.
             *
             *     `KEY_REUSED`: This Idempotency-Key was used for another request: take a new key.
             */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again.
             *
             *     `KEY_IN_USE`: The first request with this Idempotency-Key is still under way: repeat it in a moment.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ordersRefund: {
        parameters: {
            query?: never;
            header?: {
                /** @example 7c4a8d09-ca37-4f2e-9b65-1d0f6a3e5b21 */
                "idempotency-key"?: string;
            };
            path: {
                /** @example 3f1c8a52-7d1e-4b2f-9c55-0a6f2f7f9f11 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "restock": true
                 *     }
                 */
                "application/json": components["schemas"]["OrdersRefundRequest"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Order"];
                };
            };
            /**
             * @description `MALFORMED_QUERY`: The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25.
             *
             *     `MALFORMED_BODY`: The body is not valid JSON in UTF-8.
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAUTHENTICATED`: Log in and send the access token as Authorization: Bearer.
             *
             *     `TOKEN_INVALID`: The token is not valid or has expired: log in again.
             */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `FORBIDDEN`: Your role does not allow this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `NOT_FOUND`: There is nothing at this address.
             *
             *     `ORDER_NOT_FOUND`: There is no such order.
             */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `ORDER_IN_OTHER_STATE`: The order is {state}: this is not possible in this state. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `BODY_TOO_LARGE`: The body is too large: send at most {limit}. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNSUPPORTED_MEDIA_TYPE`: Send the body as application/json in UTF-8. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `VALIDATION_FAILED`: The request does not have the right form: see errors.
             *
             *     `KEY_REUSED`: This Idempotency-Key was used for another request: take a new key.
             */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again.
             *
             *     `KEY_IN_USE`: The first request with this Idempotency-Key is still under way: repeat it in a moment.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ordersTakePaymentEvent: {
        parameters: {
            query?: never;
            header?: {
                /** @example t=1795478400,v1=5d41402abc4b2a765d41402abc4b2a765d41402abc4b2a765d41402abc4b2a76 */
                "toko-signature"?: string;
                /** @example 7c4a8d09-ca37-4f2e-9b65-1d0f6a3e5b21 */
                "idempotency-key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "id": "evt_1",
                 *       "type": "payment.settled",
                 *       "reference": "b6ad4a0e-6f0c-4d0c-8d0f-3f7f1a3f2a10",
                 *       "amount": 184000
                 *     }
                 */
                "application/json": components["schemas"]["PaymentEvent"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OrdersTakePaymentEventResult"];
                };
            };
            /**
             * @description `MALFORMED_QUERY`: The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25.
             *
             *     `MALFORMED_BODY`: The body is not valid JSON in UTF-8.
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `SIGNATURE_INVALID`: The Toko-Signature is missing, wrong or older than five minutes. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `PAYMENT_NOT_FOUND`: There is no payment with this reference. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `WEBHOOK_ID_REUSED`: The id of this webhook came before with another content: nothing was changed. Send each message under an id of its own. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `BODY_TOO_LARGE`: The body is too large: send at most {limit}. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNSUPPORTED_MEDIA_TYPE`: Send the body as application/json in UTF-8. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `VALIDATION_FAILED`: The request does not have the right form: see errors.
             *
             *     `PAYMENT_AMOUNT_DIFFERS`: The amount is not that of the payment: nothing was changed.
             */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again.
             *
             *     `KEY_IN_USE`: The first request with this Idempotency-Key is still under way: repeat it in a moment.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ordersRefunds: {
        parameters: {
            query?: {
                /** @example 0 */
                skip?: number;
                /** @example 20 */
                limit?: number;
            };
            header?: never;
            path: {
                /** @example 3f1c8a52-7d1e-4b2f-9c55-0a6f2f7f9f11 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    Link: components["headers"]["Link"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Refund"][];
                };
            };
            /** @description `MALFORMED_QUERY`: The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAUTHENTICATED`: Log in and send the access token as Authorization: Bearer.
             *
             *     `TOKEN_INVALID`: The token is not valid or has expired: log in again.
             */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `NOT_FOUND`: There is nothing at this address.
             *
             *     `ORDER_NOT_FOUND`: There is no such order.
             */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `VALIDATION_FAILED`: The request does not have the right form: see errors. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again. */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ordersAddRefund: {
        parameters: {
            query?: never;
            header?: {
                /** @example 7c4a8d09-ca37-4f2e-9b65-1d0f6a3e5b21 */
                "idempotency-key"?: string;
            };
            path: {
                /** @example 3f1c8a52-7d1e-4b2f-9c55-0a6f2f7f9f11 */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "items": [
                 *         {
                 *           "line": 1,
                 *           "quantity": 1
                 *         }
                 *       ],
                 *       "restock": true,
                 *       "reason": "Kemasan rusak"
                 *     }
                 */
                "application/json": components["schemas"]["OrdersAddRefundRequest"];
            };
        };
        responses: {
            /** @description Done */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Refund"];
                };
            };
            /**
             * @description `MALFORMED_QUERY`: The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25.
             *
             *     `MALFORMED_BODY`: The body is not valid JSON in UTF-8.
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAUTHENTICATED`: Log in and send the access token as Authorization: Bearer.
             *
             *     `TOKEN_INVALID`: The token is not valid or has expired: log in again.
             */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `FORBIDDEN`: Your role does not allow this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `NOT_FOUND`: There is nothing at this address.
             *
             *     `ORDER_NOT_FOUND`: There is no such order.
             */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `ORDER_IN_OTHER_STATE`: The order is {state}: this is not possible in this state.
             *
             *     `REFUND_TOO_LARGE`: This is more than is left of the order, of which {refundable} can still be refunded: nothing was refunded.
             */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `BODY_TOO_LARGE`: The body is too large: send at most {limit}. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNSUPPORTED_MEDIA_TYPE`: Send the body as application/json in UTF-8. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `VALIDATION_FAILED`: The request does not have the right form: see errors.
             *
             *     `KEY_REUSED`: This Idempotency-Key was used for another request: take a new key.
             */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again.
             *
             *     `KEY_IN_USE`: The first request with this Idempotency-Key is still under way: repeat it in a moment.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ordersShippingMethods: {
        parameters: {
            query?: {
                /** @example ID */
                country?: string;
                /** @example Jawa Barat */
                province?: string;
                /** @example 40115 */
                postal_code?: string;
                /** @example 1200 */
                weight_g?: number;
                /** @example 0 */
                skip?: number;
                /** @example 100 */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    Link: components["headers"]["Link"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ShippingMethod"][];
                };
            };
            /** @description As in `If-None-Match` */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `MALFORMED_QUERY`: The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `VALIDATION_FAILED`: The request does not have the right form: see errors. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again. */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ordersAddShippingMethod: {
        parameters: {
            query?: never;
            header?: {
                /** @example 7c4a8d09-ca37-4f2e-9b65-1d0f6a3e5b21 */
                "idempotency-key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "code": "jne-reg",
                 *       "name": "JNE Reguler",
                 *       "zones": [
                 *         {
                 *           "country": "ID",
                 *           "province": "Jawa Barat",
                 *           "postal_prefixes": null
                 *         }
                 *       ],
                 *       "bands": [
                 *         {
                 *           "up_to_g": 1000,
                 *           "fee": 9000
                 *         },
                 *         {
                 *           "up_to_g": 5000,
                 *           "fee": 29000
                 *         }
                 *       ],
                 *       "per_extra_kg": 5000,
                 *       "free_from": 999000,
                 *       "eta_days": 3
                 *     }
                 */
                "application/json": components["schemas"]["OrdersAddShippingMethodRequest"];
            };
        };
        responses: {
            /** @description Done */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ShippingMethod"];
                };
            };
            /**
             * @description `MALFORMED_QUERY`: The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25.
             *
             *     `MALFORMED_BODY`: The body is not valid JSON in UTF-8.
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAUTHENTICATED`: Log in and send the access token as Authorization: Bearer.
             *
             *     `TOKEN_INVALID`: The token is not valid or has expired: log in again.
             */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `FORBIDDEN`: Your role does not allow this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `SHIPPING_METHOD_EXISTS`: There is a method of shipping {method} already. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `BODY_TOO_LARGE`: The body is too large: send at most {limit}. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNSUPPORTED_MEDIA_TYPE`: Send the body as application/json in UTF-8. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `VALIDATION_FAILED`: The request does not have the right form: see errors.
             *
             *     `KEY_REUSED`: This Idempotency-Key was used for another request: take a new key.
             */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again.
             *
             *     `KEY_IN_USE`: The first request with this Idempotency-Key is still under way: repeat it in a moment.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ordersRemoveShippingMethod: {
        parameters: {
            query?: never;
            header?: {
                /** @example 7c4a8d09-ca37-4f2e-9b65-1d0f6a3e5b21 */
                "idempotency-key"?: string;
            };
            path: {
                /** @example jne-reg */
                code: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `MALFORMED_QUERY`: The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAUTHENTICATED`: Log in and send the access token as Authorization: Bearer.
             *
             *     `TOKEN_INVALID`: The token is not valid or has expired: log in again.
             */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `FORBIDDEN`: Your role does not allow this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `NOT_FOUND`: There is nothing at this address.
             *
             *     `SHIPPING_METHOD_NOT_FOUND`: There is no method of shipping {method} that can be changed or removed.
             */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `VALIDATION_FAILED`: The request does not have the right form: see errors.
             *
             *     `KEY_REUSED`: This Idempotency-Key was used for another request: take a new key.
             */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again.
             *
             *     `KEY_IN_USE`: The first request with this Idempotency-Key is still under way: repeat it in a moment.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ordersUpdateShippingMethod: {
        parameters: {
            query?: never;
            header?: {
                /** @example 7c4a8d09-ca37-4f2e-9b65-1d0f6a3e5b21 */
                "idempotency-key"?: string;
            };
            path: {
                /** @example jne-reg */
                code: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "eta_days": 2
                 *     }
                 */
                "application/json": components["schemas"]["OrdersUpdateShippingMethodRequest"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ShippingMethod"];
                };
            };
            /**
             * @description `MALFORMED_QUERY`: The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25.
             *
             *     `MALFORMED_BODY`: The body is not valid JSON in UTF-8.
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAUTHENTICATED`: Log in and send the access token as Authorization: Bearer.
             *
             *     `TOKEN_INVALID`: The token is not valid or has expired: log in again.
             */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `FORBIDDEN`: Your role does not allow this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `NOT_FOUND`: There is nothing at this address.
             *
             *     `SHIPPING_METHOD_NOT_FOUND`: There is no method of shipping {method} that can be changed or removed.
             */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `BODY_TOO_LARGE`: The body is too large: send at most {limit}. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNSUPPORTED_MEDIA_TYPE`: Send the body as application/json in UTF-8. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `VALIDATION_FAILED`: The request does not have the right form: see errors.
             *
             *     `KEY_REUSED`: This Idempotency-Key was used for another request: take a new key.
             */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again.
             *
             *     `KEY_IN_USE`: The first request with this Idempotency-Key is still under way: repeat it in a moment.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ordersVouchers: {
        parameters: {
            query?: {
                /** @example 0 */
                skip?: number;
                /** @example 20 */
                limit?: number;
                /** @example WyJ2b3VjaGVycyIsIjIwMjYtMTEtMjNUMDg6MDA6MDAuMTIzNDU2KzAwOjAwIDNmMWM4YTUyLTdkMWUtNGIyZi05YzU1LTBhNmYyZjdmOWYxMSJd */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    Link: components["headers"]["Link"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Voucher"][];
                };
            };
            /** @description `MALFORMED_QUERY`: The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAUTHENTICATED`: Log in and send the access token as Authorization: Bearer.
             *
             *     `TOKEN_INVALID`: The token is not valid or has expired: log in again.
             */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `FORBIDDEN`: Your role does not allow this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `VALIDATION_FAILED`: The request does not have the right form: see errors. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again. */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ordersAddVoucher: {
        parameters: {
            query?: never;
            header?: {
                /** @example 7c4a8d09-ca37-4f2e-9b65-1d0f6a3e5b21 */
                "idempotency-key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "code": "HEMAT10",
                 *       "promotion": null,
                 *       "kind": "percent",
                 *       "value": 10,
                 *       "cap": 50000,
                 *       "min_subtotal": 100000,
                 *       "category": null,
                 *       "starts_at": "2026-11-01T00:00:00.000Z",
                 *       "ends_at": "2026-12-01T00:00:00.000Z",
                 *       "max_uses": 100,
                 *       "per_user": 1
                 *     }
                 */
                "application/json": components["schemas"]["OrdersAddVoucherRequest"];
            };
        };
        responses: {
            /** @description Done */
            201: {
                headers: {
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Voucher"];
                };
            };
            /**
             * @description `MALFORMED_QUERY`: The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25.
             *
             *     `MALFORMED_BODY`: The body is not valid JSON in UTF-8.
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAUTHENTICATED`: Log in and send the access token as Authorization: Bearer.
             *
             *     `TOKEN_INVALID`: The token is not valid or has expired: log in again.
             */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `FORBIDDEN`: Your role does not allow this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `VOUCHER_EXISTS`: There is a voucher {code} already. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `BODY_TOO_LARGE`: The body is too large: send at most {limit}. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNSUPPORTED_MEDIA_TYPE`: Send the body as application/json in UTF-8. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `VALIDATION_FAILED`: The request does not have the right form: see errors.
             *
             *     `KEY_REUSED`: This Idempotency-Key was used for another request: take a new key.
             */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again.
             *
             *     `KEY_IN_USE`: The first request with this Idempotency-Key is still under way: repeat it in a moment.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ordersVoucher: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example HEMAT10 */
                code: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Voucher"];
                };
            };
            /** @description `MALFORMED_QUERY`: The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAUTHENTICATED`: Log in and send the access token as Authorization: Bearer.
             *
             *     `TOKEN_INVALID`: The token is not valid or has expired: log in again.
             */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `FORBIDDEN`: Your role does not allow this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `NOT_FOUND`: There is nothing at this address.
             *
             *     `VOUCHER_NOT_FOUND`: There is no such voucher.
             */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `VALIDATION_FAILED`: The request does not have the right form: see errors. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again. */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ordersUpdateVoucher: {
        parameters: {
            query?: never;
            header?: {
                /** @example 7c4a8d09-ca37-4f2e-9b65-1d0f6a3e5b21 */
                "idempotency-key"?: string;
            };
            path: {
                /** @example HEMAT10 */
                code: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "max_uses": 200
                 *     }
                 */
                "application/json": components["schemas"]["OrdersUpdateVoucherRequest"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Voucher"];
                };
            };
            /**
             * @description `MALFORMED_QUERY`: The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25.
             *
             *     `MALFORMED_BODY`: The body is not valid JSON in UTF-8.
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAUTHENTICATED`: Log in and send the access token as Authorization: Bearer.
             *
             *     `TOKEN_INVALID`: The token is not valid or has expired: log in again.
             */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `FORBIDDEN`: Your role does not allow this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `NOT_FOUND`: There is nothing at this address.
             *
             *     `VOUCHER_NOT_FOUND`: There is no such voucher.
             */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `BODY_TOO_LARGE`: The body is too large: send at most {limit}. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNSUPPORTED_MEDIA_TYPE`: Send the body as application/json in UTF-8. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `VALIDATION_FAILED`: The request does not have the right form: see errors.
             *
             *     `KEY_REUSED`: This Idempotency-Key was used for another request: take a new key.
             */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again.
             *
             *     `KEY_IN_USE`: The first request with this Idempotency-Key is still under way: repeat it in a moment.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ordersInvoice: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 3f1c8a52-7d1e-4b2f-9c55-0a6f2f7f9f11 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": string;
                    "application/pdf": unknown;
                };
            };
            /** @description `MALFORMED_QUERY`: The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAUTHENTICATED`: Log in and send the access token as Authorization: Bearer.
             *
             *     `TOKEN_INVALID`: The token is not valid or has expired: log in again.
             */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `NOT_FOUND`: There is nothing at this address.
             *
             *     `ORDER_NOT_FOUND`: There is no such order.
             */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `NOT_ACCEPTABLE`: The document is not available in a type that the Accept header allows: accept one of {available}. */
            406: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `ORDER_IN_OTHER_STATE`: The order is {state}: this is not possible in this state. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `VALIDATION_FAILED`: The request does not have the right form: see errors. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again. */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ordersCreditNotes: {
        parameters: {
            query?: {
                /** @example 0 */
                skip?: number;
                /** @example 20 */
                limit?: number;
            };
            header?: never;
            path: {
                /** @example 3f1c8a52-7d1e-4b2f-9c55-0a6f2f7f9f11 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    Link: components["headers"]["Link"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CreditNote"][];
                };
            };
            /** @description `MALFORMED_QUERY`: The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAUTHENTICATED`: Log in and send the access token as Authorization: Bearer.
             *
             *     `TOKEN_INVALID`: The token is not valid or has expired: log in again.
             */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `NOT_FOUND`: There is nothing at this address.
             *
             *     `ORDER_NOT_FOUND`: There is no such order.
             */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `ORDER_IN_OTHER_STATE`: The order is {state}: this is not possible in this state. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `VALIDATION_FAILED`: The request does not have the right form: see errors. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again. */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ordersCreditNote: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 3f1c8a52-7d1e-4b2f-9c55-0a6f2f7f9f11 */
                id: string;
                /** @example CN-INV-000001 */
                note: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": string;
                    "application/pdf": unknown;
                };
            };
            /** @description `MALFORMED_QUERY`: The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAUTHENTICATED`: Log in and send the access token as Authorization: Bearer.
             *
             *     `TOKEN_INVALID`: The token is not valid or has expired: log in again.
             */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `NOT_FOUND`: There is nothing at this address.
             *
             *     `ORDER_NOT_FOUND`: There is no such order.
             *
             *     `CREDIT_NOTE_NOT_FOUND`: The order has no such credit note.
             */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `NOT_ACCEPTABLE`: The document is not available in a type that the Accept header allows: accept one of {available}. */
            406: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `ORDER_IN_OTHER_STATE`: The order is {state}: this is not possible in this state. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `VALIDATION_FAILED`: The request does not have the right form: see errors. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again. */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ordersBeginCart: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It was there already */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GivenCart"];
                };
            };
            /** @description Done */
            201: {
                headers: {
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GivenCart"];
                };
            };
            /** @description `MALFORMED_BODY`: The body is not valid JSON in UTF-8. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAUTHENTICATED`: Log in and send the access token as Authorization: Bearer.
             *
             *     `TOKEN_INVALID`: The token is not valid or has expired: log in again.
             */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `BODY_TOO_LARGE`: The body is too large: send at most {limit}. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNSUPPORTED_MEDIA_TYPE`: Send the body as application/json in UTF-8. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `VALIDATION_FAILED`: The request does not have the right form: see errors. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again. */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ordersCart: {
        parameters: {
            query?: never;
            header?: {
                /** @example Zk3v0nT8yN2sQm5rXb7LwA1cE9uHfJ4dGpR6tYiKoVs */
                "cart-token"?: string;
            };
            path: {
                /** @example 01a2f8c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Cart"];
                };
            };
            /** @description `MALFORMED_QUERY`: The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOKEN_INVALID`: The token is not valid or has expired: log in again. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `NOT_FOUND`: There is nothing at this address.
             *
             *     `CART_NOT_FOUND`: There is no such cart, or its token is missing or wrong.
             */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `VALIDATION_FAILED`: The request does not have the right form: see errors. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again. */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ordersPutCartItem: {
        parameters: {
            query?: never;
            header?: {
                /** @example Zk3v0nT8yN2sQm5rXb7LwA1cE9uHfJ4dGpR6tYiKoVs */
                "cart-token"?: string;
                /** @example 7c4a8d09-ca37-4f2e-9b65-1d0f6a3e5b21 */
                "idempotency-key"?: string;
            };
            path: {
                /** @example 01a2f8c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b */
                id: string;
                /** @example 01a20af7e8d300020f7306eb */
                product_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "quantity": 2
                 *     }
                 */
                "application/json": components["schemas"]["OrdersPutCartItemRequest"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Cart"];
                };
            };
            /**
             * @description `MALFORMED_QUERY`: The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25.
             *
             *     `MALFORMED_BODY`: The body is not valid JSON in UTF-8.
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOKEN_INVALID`: The token is not valid or has expired: log in again. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `NOT_FOUND`: There is nothing at this address.
             *
             *     `CART_NOT_FOUND`: There is no such cart, or its token is missing or wrong.
             *
             *     `PRODUCT_NOT_FOUND`: There is no such product.
             */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `CART_ORDERED`: The cart was ordered already, as the order {order_id}.
             *
             *     `CART_MERGED`: The cart was merged into the cart {cart_id} of its user.
             *
             *     `CART_FULL`: A cart has at most {max} products: nothing was changed.
             */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `BODY_TOO_LARGE`: The body is too large: send at most {limit}. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNSUPPORTED_MEDIA_TYPE`: Send the body as application/json in UTF-8. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `VALIDATION_FAILED`: The request does not have the right form: see errors. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again.
             *
             *     `KEY_IN_USE`: The first request with this Idempotency-Key is still under way: repeat it in a moment.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ordersMergeCart: {
        parameters: {
            query?: never;
            header?: {
                /** @example Zk3v0nT8yN2sQm5rXb7LwA1cE9uHfJ4dGpR6tYiKoVs */
                "cart-token"?: string;
                /** @example 7c4a8d09-ca37-4f2e-9b65-1d0f6a3e5b21 */
                "idempotency-key"?: string;
            };
            path: {
                /** @example 01a2f8c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Cart"];
                };
            };
            /**
             * @description `MALFORMED_QUERY`: The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25.
             *
             *     `MALFORMED_BODY`: The body is not valid JSON in UTF-8.
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAUTHENTICATED`: Log in and send the access token as Authorization: Bearer.
             *
             *     `TOKEN_INVALID`: The token is not valid or has expired: log in again.
             */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `NOT_FOUND`: There is nothing at this address.
             *
             *     `CART_NOT_FOUND`: There is no such cart, or its token is missing or wrong.
             */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `CART_ORDERED`: The cart was ordered already, as the order {order_id}.
             *
             *     `CART_MERGED`: The cart was merged into the cart {cart_id} of its user.
             *
             *     `CART_FULL`: A cart has at most {max} products: nothing was changed.
             *
             *     `CART_QUANTITY_TOO_LARGE`: Together there would be more than {max} units of product {product_id}: nothing was changed.
             */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `BODY_TOO_LARGE`: The body is too large: send at most {limit}. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNSUPPORTED_MEDIA_TYPE`: Send the body as application/json in UTF-8. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `VALIDATION_FAILED`: The request does not have the right form: see errors.
             *
             *     `KEY_REUSED`: This Idempotency-Key was used for another request: take a new key.
             */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again.
             *
             *     `KEY_IN_USE`: The first request with this Idempotency-Key is still under way: repeat it in a moment.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    notificationsList: {
        parameters: {
            query?: {
                /** @example 0 */
                skip?: number;
                /** @example 20 */
                limit?: number;
                /** @example WyJub3RpZmljYXRpb25zIiwiMjAyNi0xMS0yM1QwODowMDowMC4xMjM0NTYrMDA6MDAgMGQ2YzdhMGItOTNhNS00YTBmLThmN2UtMGM5YjZmNGExZDIyIl0 */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    Link: components["headers"]["Link"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Notification"][];
                };
            };
            /** @description `MALFORMED_QUERY`: The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAUTHENTICATED`: Log in and send the access token as Authorization: Bearer.
             *
             *     `TOKEN_INVALID`: The token is not valid or has expired: log in again.
             */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `VALIDATION_FAILED`: The request does not have the right form: see errors. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again. */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    notificationsGet: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 0d6c7a0b-93a5-4a0f-8f7e-0c9b6f4a1d22 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Notification"];
                };
            };
            /** @description `MALFORMED_QUERY`: The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAUTHENTICATED`: Log in and send the access token as Authorization: Bearer.
             *
             *     `TOKEN_INVALID`: The token is not valid or has expired: log in again.
             */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `NOT_FOUND`: There is nothing at this address.
             *
             *     `NOTIFICATION_NOT_FOUND`: There is no such notification.
             */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `VALIDATION_FAILED`: The request does not have the right form: see errors. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again. */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    notificationsRetry: {
        parameters: {
            query?: never;
            header?: {
                /** @example 7c4a8d09-ca37-4f2e-9b65-1d0f6a3e5b21 */
                "idempotency-key"?: string;
            };
            path: {
                /** @example 0d6c7a0b-93a5-4a0f-8f7e-0c9b6f4a1d22 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Notification"];
                };
            };
            /**
             * @description `MALFORMED_QUERY`: The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25.
             *
             *     `MALFORMED_BODY`: The body is not valid JSON in UTF-8.
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAUTHENTICATED`: Log in and send the access token as Authorization: Bearer.
             *
             *     `TOKEN_INVALID`: The token is not valid or has expired: log in again.
             */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `FORBIDDEN`: Your role does not allow this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `NOT_FOUND`: There is nothing at this address.
             *
             *     `NOTIFICATION_NOT_FOUND`: There is no such notification.
             *
             *     `USER_NOT_FOUND`: There is no such user.
             */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `NOTIFICATION_NOT_FAILED`: Only a message that failed is sent again; this one is {status}. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `BODY_TOO_LARGE`: The body is too large: send at most {limit}. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNSUPPORTED_MEDIA_TYPE`: Send the body as application/json in UTF-8. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `VALIDATION_FAILED`: The request does not have the right form: see errors.
             *
             *     `KEY_REUSED`: This Idempotency-Key was used for another request: take a new key.
             */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again.
             *
             *     `KEY_IN_USE`: The first request with this Idempotency-Key is still under way: repeat it in a moment.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    notificationsDeadLetters: {
        parameters: {
            query?: {
                /** @example 0 */
                skip?: number;
                /** @example 20 */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    Link: components["headers"]["Link"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeadLetter"][];
                };
            };
            /** @description `MALFORMED_QUERY`: The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAUTHENTICATED`: Log in and send the access token as Authorization: Bearer.
             *
             *     `TOKEN_INVALID`: The token is not valid or has expired: log in again.
             */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `FORBIDDEN`: Your role does not allow this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `VALIDATION_FAILED`: The request does not have the right form: see errors. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again. */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    notificationsRetryDeadLetter: {
        parameters: {
            query?: never;
            header?: {
                /** @example 7c4a8d09-ca37-4f2e-9b65-1d0f6a3e5b21 */
                "idempotency-key"?: string;
            };
            path: {
                /** @example 0d6c7a0b-93a5-4a0f-8f7e-0c9b6f4a1d22 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NotificationsRetryDeadLetterResult"];
                };
            };
            /**
             * @description `MALFORMED_QUERY`: The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25.
             *
             *     `MALFORMED_BODY`: The body is not valid JSON in UTF-8.
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAUTHENTICATED`: Log in and send the access token as Authorization: Bearer.
             *
             *     `TOKEN_INVALID`: The token is not valid or has expired: log in again.
             */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `FORBIDDEN`: Your role does not allow this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `NOT_FOUND`: There is nothing at this address.
             *
             *     `DEAD_LETTER_NOT_FOUND`: There is no such dead letter.
             */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `DEAD_LETTER_FAILED`: The event failed again and is kept: {reason} */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `BODY_TOO_LARGE`: The body is too large: send at most {limit}. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNSUPPORTED_MEDIA_TYPE`: Send the body as application/json in UTF-8. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `VALIDATION_FAILED`: The request does not have the right form: see errors.
             *
             *     `KEY_REUSED`: This Idempotency-Key was used for another request: take a new key.
             */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again.
             *
             *     `KEY_IN_USE`: The first request with this Idempotency-Key is still under way: repeat it in a moment.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    usersJwks: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JsonWebKeySet"];
                };
            };
            /** @description As in `If-None-Match` */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `VALIDATION_FAILED`: The request does not have the right form: see errors. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again. */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMED_OUT`: The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    usersHealth: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is well */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UsersHealthResult"];
                };
            };
            /** @description As in `If-None-Match` */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `VALIDATION_FAILED`: The request does not have the right form: see errors. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again. */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    productsHealth: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is well */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProductsHealthResult"];
                };
            };
            /** @description As in `If-None-Match` */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `VALIDATION_FAILED`: The request does not have the right form: see errors. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again. */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ordersHealth: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is well */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OrdersHealthResult"];
                };
            };
            /** @description As in `If-None-Match` */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `VALIDATION_FAILED`: The request does not have the right form: see errors. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again. */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    notificationsHealth: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is well */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NotificationsHealthResult"];
                };
            };
            /** @description As in `If-None-Match` */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `VALIDATION_FAILED`: The request does not have the right form: see errors. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Something went wrong here. The request id helps us find it. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: The {service} service is unavailable at the moment. Try again. */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    gatewayHealth: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is well */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GatewayHealth"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    gatewayLive: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is well */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GatewayLive"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    shopReady: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is well */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ShopReady"];
                };
            };
            /** @description `TOO_MANY_REQUESTS`: Too many requests: at most {limit} a second. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something is missing: `services` tells what */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ShopReady"];
                };
            };
        };
    };
}
