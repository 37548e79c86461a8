import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import shop.ApiClient;
import shop.ApiException;
import shop.ApiResponse;
import shop.api.HealthApi;
import shop.api.OrdersApi;
import shop.api.ProductsApi;
import shop.api.UsersApi;
import shop.model.Order;
import shop.model.OrderLine;
import shop.model.OrderStatus;
import shop.model.OrdersPlaceRequest;
import shop.model.OwnUser;
import shop.model.Problem;
import shop.model.ProblemCode;
import shop.model.Product;
import shop.model.Role;
import shop.model.ShopReady;
import shop.model.Tokens;
import shop.model.User;
import shop.model.UsersLoginRequest;
import shop.model.UsersRegisterRequest;

/** Buys with the client generated from the OpenAPI document and prints each result on one line. */
public class Shopper {
	private static final String EMAIL = "java@toko.test";
	private static final String PASSWORD = "rahasia-java";

	public static void main(String[] arguments) throws Exception {
		// The base URL comes from the document.
		ApiClient client = new ApiClient();
		UsersApi users = new UsersApi(client);

		UsersRegisterRequest person = new UsersRegisterRequest()
			.email(EMAIL).username("java").password(PASSWORD).fullName("Jaka Wa");
		User user = users.usersRegister(person, null);
		check("registered", user.getEmail().equals(EMAIL) && user.getRole() == Role.USER && user.getCreatedAt() != null);
		Tokens tokens = users.usersLogin(new UsersLoginRequest().email(EMAIL).password(PASSWORD));
		client.setRequestInterceptor(request -> request.header("Authorization", "Bearer " + tokens.getAccessToken()));
		OwnUser me = new UsersApi(client).usersMe();
		check("logged in", me.getId().equals(user.getId()) && me.getPhone() == null);

		ProductsApi products = new ProductsApi(client);
		List<String> paged = new ArrayList<>();
		String cursor = null;
		do {
			ApiResponse<List<Product>> page = products.productsListWithHttpInfo(
				0, 100, cursor, null, null, null, null, null, "-price", null);
			page.getData().forEach(product -> paged.add(product.getId()));
			cursor = cursorIn(page);
		} while (cursor != null);
		check("listed all of " + paged.stream().distinct().count() + " products", true);

		Product product = products.productsList(0, 1, null, "kopi", null, null, null, true, "price", null).get(0);
		Product same = products.productsGet(product.getId());
		check("found a product", same.equals(product) && same.getPrice().signum() > 0 && same.getStock() > 0);

		OrdersApi orders = new OrdersApi(client);
		OrdersPlaceRequest wish = new OrdersPlaceRequest()
			.addItemsItem(new OrderLine().productId(product.getId()).quantity(2)).note("dari Java");
		Order order = orders.ordersPlace(wish, "java-1", null);
		Order again = orders.ordersPlace(wish, "java-1", null);
		check("ordered once", again.getId().equals(order.getId()) && order.getStatus() == OrderStatus.PENDING);
		Order read = orders.ordersGet(order.getId().toString());
		check("read the order", read.equals(order) && read.getShippingAddress() == null
			&& read.getItems().get(0).getSubtotal().compareTo(read.getTotal()) == 0);

		try {
			users.usersRegister(person, null);
			check("was refused", false);
		} catch (ApiException refused) {
			Problem problem = ApiClient.createDefaultObjectMapper().readValue(refused.getResponseBody(), Problem.class);
			check("was refused", refused.getCode() == 400 && problem.getCode() == ProblemCode.EMAIL_TAKEN
				&& problem.getStatus() == 400 && !problem.getDetail().isEmpty());
		}
		try {
			OrderLine tooMany = new OrderLine().productId(product.getId()).quantity(10_000);
			orders.ordersPlace(new OrdersPlaceRequest().addItemsItem(tooMany), null, null);
			check("was told what is short", false);
		} catch (ApiException refused) {
			Problem problem = ApiClient.createDefaultObjectMapper().readValue(refused.getResponseBody(), Problem.class);
			check("was told what is short", problem.getCode() == ProblemCode.OUT_OF_STOCK
				&& problem.getErrors().get(0).getAvailable() == product.getStock() - 2);
		}
		check("asked whether the shop is ready", new HealthApi(client).shopReady().getStatus() == ShopReady.StatusEnum.READY);
	}

	private static String cursorIn(ApiResponse<?> page) {
		String link = String.join("", page.getHeaders().getOrDefault("link", List.of()));
		Matcher next = Pattern.compile("[?&]cursor=([^&>]+)[^>]*>; rel=\"next\"").matcher(link);
		return next.find() ? next.group(1) : null;
	}

	private static void check(String done, boolean isSo) {
		if (!isSo) {
			throw new AssertionError("not so: " + done);
		}
		System.out.println(done);
	}
}
