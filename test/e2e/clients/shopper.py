"""Buys with the client generated from the OpenAPI document and prints each result on one line."""

import re
import sys

from shop import AuthenticatedClient, Client
from shop.api.health import shop_ready
from shop.api.orders import orders_get, orders_place
from shop.api.products import products_get, products_list
from shop.api.users import users_login, users_me, users_register
from shop.models import (
    OrderLine,
    OrdersPlaceRequest,
    OrderStatus,
    Problem,
    ProblemCode,
    ProductsListSort,
    Role,
    UsersLoginRequest,
    UsersRegisterRequest,
)

EMAIL = "python@toko.test"
PASSWORD = "rahasia-python"


def check(done, is_so):
    if not is_so:
        raise AssertionError(f"not so: {done}")
    print(done)


address = sys.argv[1]
anybody = Client(base_url=address)

person = UsersRegisterRequest(email=EMAIL, username="python", password=PASSWORD, full_name="Paijo Tono")
user = users_register.sync(client=anybody, body=person)
check("registered", user.email == EMAIL and user.role == Role.USER and user.created_at.year > 2000)
tokens = users_login.sync(client=anybody, body=UsersLoginRequest(email=EMAIL, password=PASSWORD))
client = AuthenticatedClient(base_url=address, token=tokens.access_token)
me = users_me.sync(client=client)
check("logged in", me.id == user.id and me.phone is None)

paged = []
cursor = None
while True:
    given = {"cursor": cursor} if cursor else {}
    page = products_list.sync_detailed(client=client, limit=100, sort=ProductsListSort.PRICE_DESCENDING, **given)
    paged += [product.id for product in page.parsed]
    following = re.search(r'[?&]cursor=([^&>]+)[^>]*>; rel="next"', page.headers.get("link", ""))
    if not following:
        break
    cursor = following[1]
check(f"listed all of {len(set(paged))} products", True)

[product] = products_list.sync(client=client, limit=1, category="kopi", in_stock=True, sort=ProductsListSort.PRICE)
same = products_get.sync(product.id, client=client)
check("found a product", same == product and same.price > 0 and same.stock > 0)

wish = OrdersPlaceRequest(items=[OrderLine(product_id=product.id, quantity=2)], note="dari Python")
order = orders_place.sync(client=client, body=wish, idempotency_key="python-1")
again = orders_place.sync(client=client, body=wish, idempotency_key="python-1")
check("ordered once", again.id == order.id and order.status == OrderStatus.PENDING)
read = orders_get.sync(str(order.id), client=client)
check(
    "read the order",
    read == order and read.shipping_address is None and read.items[0].subtotal == read.total,
)

refused = users_register.sync_detailed(client=anybody, body=person)
check(
    "was refused",
    refused.status_code == 400
    and isinstance(refused.parsed, Problem)
    and refused.parsed.code == ProblemCode.EMAIL_TAKEN,
)
too_many = OrdersPlaceRequest(items=[OrderLine(product_id=product.id, quantity=10_000)])
short = orders_place.sync(client=client, body=too_many)
check(
    "was told what is short",
    short.code == ProblemCode.OUT_OF_STOCK and short.errors[0].available == product.stock - 2,
)
check("asked whether the shop is ready", shop_ready.sync(client=anybody).status == "ready")
