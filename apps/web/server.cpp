// cpp-httplib between the sockets and the routes.  What is done here and not there: see docs/adr/0018-cpp-httplib.md.
#include "server.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <filesystem>
#include <system_error>
#include <thread>

#include <arpa/inet.h>
#include <httplib.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <fmt/format.h>

#include "app.hpp"
#include "keys.hpp"
#include "pages.hpp"

namespace salvage::web {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t threads = 64; // half of them may hold event streams
constexpr std::size_t max_body = 1U << 20U;
constexpr time_t read_patience_s = 5;   // for the next bytes of a request
constexpr time_t write_patience_s = 60; // for a client to take what it asked for: a paused video
constexpr std::size_t max_requests_a_connection = 1000;

// Of an answer on its way through httplib; never sent.
constexpr const char* own_type = "Salvage-Type";

std::string_view policy_of(Policy policy) noexcept
{
    switch (policy) {
    case Policy::page:
        return "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self'; "
               "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    case Policy::sandbox:
        return "default-src 'none'; img-src 'self' data:; media-src 'self'; style-src 'unsafe-inline'; "
               "base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox";
    case Policy::data:
    case Policy::plain: break;
    }
    return "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
}

void add_policies(const Answer& answer, httplib::Response& response)
{
    response.set_header("Content-Security-Policy", std::string{policy_of(answer.policy)});
    if (answer.policy != Policy::page) {
        response.set_header("Cache-Control", "no-store");
    }
    for (const auto& [name, value] : answer.headers) {
        response.set_header(name, value);
    }
}

/// What httplib writes to.
class SinkClient final : public Client {
public:
    explicit SinkClient(httplib::DataSink& sink) : sink_{&sink} {}
    bool write(std::string_view bytes) override { return bytes.empty() || sink_->write(bytes.data(), bytes.size()); }
    [[nodiscard]] bool is_there() const override { return sink_->is_writable(); }

private:
    httplib::DataSink* sink_;
};

/// One call of a stream; tells httplib to go on, that it is done, or to close.
bool give_next(const Stream& stream, httplib::DataSink& sink)
{
    SinkClient client{sink};
    switch (stream.next(client)) {
    case Next::more: return true;
    case Next::done: sink.done(); return true;
    case Next::broken: break;
    }
    return false;
}

/// httplib would cut bodies of its own by the request's Range, with numbers it does not check: ours are streams to it,
/// with their length in a header of ours.
void add_body(Answer answer, bool is_head, httplib::Response& response)
{
    if (answer.status == 204) {
        return;
    }
    if (!answer.stream) {
        const auto text = std::make_shared<const std::string>(std::move(answer.body));
        const bool closes = answer.closes;
        answer.stream = Stream{.size = text->size(), .next = [text, closes](Client& client) {
                                   return client.write(*text) && !closes ? Next::done : Next::broken;
                               }};
    }
    if (answer.stream->size) {
        response.set_header("Content-Length", std::to_string(*answer.stream->size));
    }
    if (is_head || answer.stream->size == 0U) {
        response.set_header("Content-Type", answer.type);
        return;
    }
    auto stream = std::make_shared<const Stream>(*std::move(answer.stream));
    if (stream->size) {
        response.set_content_provider(answer.type, [stream](std::size_t /*offset*/, httplib::DataSink& sink) {
            return give_next(*stream, sink);
        });
    } else {
        response.set_chunked_content_provider(answer.type, [stream](std::size_t /*offset*/, httplib::DataSink& sink) {
            return give_next(*stream, sink);
        });
    }
}

void give(Answer answer, const httplib::Request& request, httplib::Response& response)
{
    response.status = answer.status;
    add_policies(answer, response);
    if (!answer.type.empty()) {
        response.set_header(own_type, answer.type);
    }
    if (answer.closes) {
        response.set_header("Connection", "close");
    }
    add_body(std::move(answer), request.method == "HEAD", response);
}

std::optional<std::string> header_of(const httplib::Request& request, const char* name)
{
    return request.has_header(name) ? std::optional{request.get_header_value(name)} : std::nullopt;
}

Claims claims_of(const httplib::Request& request)
{
    return {.host = request.get_header_value_count("Host") == 1 ? request.get_header_value("Host") : std::string{},
            .origin = header_of(request, "Origin"),
            .fetch_site = header_of(request, "Sec-Fetch-Site"),
            .cookies = request.get_header_value("Cookie"),
            .token = header_of(request, "X-Salvage-Token")};
}

// ---- the server

/// The threads that answer.
class Workers final : public httplib::ThreadPool {
public:
    explicit Workers(Hub& hub) : httplib::ThreadPool{threads}, hub_{&hub} {}
    /// Called when no more connections are accepted, whether that was wanted or not.
    void shutdown() override
    {
        hub_->close(); // pages that listen would hold up the end as long as they are open
        httplib::ThreadPool::shutdown();
    }

private:
    Hub* hub_;
};

class Server {
public:
    /// `http` is bound already, and begins to listen later.
    Server(App& app, std::vector<Route> routes, httplib::Server& http) : app_{&app}, routes_{std::move(routes)}
    {
        set_up(http);
    }

    /// Errors: io (the port is taken).
    static Result<std::uint16_t> bind(httplib::Server& server, std::uint16_t port)
    {
        constexpr const char* loopback = "127.0.0.1";
        // httplib's own choice, SO_REUSEPORT, lets two servers have one port, each with some of the connections.
        server.set_socket_options([](socket_t socket) {
            const int yes = 1;
            ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
        });
        const auto bound = port == 0                             ? server.bind_to_any_port(loopback)
                           : server.bind_to_port(loopback, port) ? static_cast<int>(port)
                                                                 : -1;
        if (bound <= 0) {
            return Error{ErrorCode::io,
                         fmt::format("port {} of 127.0.0.1 cannot be used", port),
                         "another program has it, or the system does not allow it",
                         std::nullopt,
                         "name another one with --port, or none for a free one",
                         {}};
        }
        return static_cast<std::uint16_t>(bound);
    }

private:
    void set_up(httplib::Server& http)
    {
        http.new_task_queue = [this] { return new Workers{app_->hub}; }; // NOLINT: httplib takes it
        http.set_read_timeout(read_patience_s);
        http.set_write_timeout(write_patience_s);
        http.set_keep_alive_max_count(max_requests_a_connection);
        http.set_payload_max_length(max_body);
        http.set_tcp_nodelay(true);
        http.set_default_headers({{"X-Content-Type-Options", "nosniff"},
                                  {"Referrer-Policy", "no-referrer"},
                                  {"Cross-Origin-Opener-Policy", "same-origin"},
                                  {"Cross-Origin-Resource-Policy", "same-origin"}});
        http.set_pre_routing_handler([this](const auto& request, auto& response) { return before(request, response); });
        const auto handler = [this](const httplib::Request& request, httplib::Response& response) {
            give(answer(request), request, response);
        };
        http.Post(".*", handler);
        http.Delete(".*", handler);
        http.set_error_handler(
            httplib::Server::HandlerWithResponse{[](const httplib::Request& request, httplib::Response& response) {
                if (response.has_header("Content-Security-Policy")) {
                    return httplib::Server::HandlerResponse::Unhandled;
                }
                give(library_error(response.status), request, response);
                return httplib::Server::HandlerResponse::Handled;
            }});
        // A Range of several parts: httplib says that its answer has them, and it is the whole file.
        http.set_post_routing_handler([](const httplib::Request& request, httplib::Response& response) {
            if (request.ranges.size() > 1 && response.has_header(own_type)) {
                const auto type = response.get_header_value(own_type);
                response.headers.erase("Content-Type");
                response.set_header("Content-Type", type);
            }
            response.headers.erase(own_type);
        });
        http.set_exception_handler([](const auto& request, auto& response, const std::exception_ptr& /*what*/) {
            give(error_answer(500, "internal", invalid_argument("a fault of this program")), request, response);
        });
    }

    /// What httplib refused by itself, before we saw it: the rest of such a request may still be on its way.
    static Answer library_error(int status)
    {
        const auto* const what = status == 413   ? "the request is too large"
                                 : status == 414 ? "the address is too long"
                                 : status == 416 ? "there is no such range"
                                                 : "the request is not one of this page";
        auto out = error_answer(status, "invalid_argument", invalid_argument(what));
        out.closes = true;
        return out;
    }

    /// Everything without a body is answered here; so is what must not be read any further.
    httplib::Server::HandlerResponse before(const httplib::Request& request, httplib::Response& response)
    {
        using enum httplib::Server::HandlerResponse;
        if (auto refused = unreadable(request)) {
            refused->closes = true;
            give(*std::move(refused), request, response);
            return Handled;
        }
        if (request.method != "GET" && request.method != "HEAD") {
            return Unhandled;
        }
        give(answer(request), request, response);
        return Handled;
    }

    /// Bodies that httplib would read without end, unpack or take apart: none of ours is like that.
    static std::optional<Answer> unreadable(const httplib::Request& request)
    {
        if (request.method == "GET" || request.method == "HEAD") {
            const bool has_body =
                request.has_header("Transfer-Encoding") ||
                (request.has_header("Content-Length") && request.get_header_value("Content-Length") != "0");
            return has_body ? std::optional{error_answer(400, "invalid_argument",
                                                         invalid_argument("a request for data has no body"))}
                            : std::nullopt;
        }
        if (request.method != "POST" && request.method != "DELETE") {
            return error_answer(405, "invalid_argument", invalid_argument("GET, POST and DELETE are understood"));
        }
        if (request.has_header("Transfer-Encoding") || request.has_header("Content-Encoding")) {
            return error_answer(415, "invalid_argument", invalid_argument("the body has to be sent as it is"));
        }
        const auto length = request.get_header_value("Content-Length");
        if (length.empty() && request.method == "POST") {
            return error_answer(411, "invalid_argument", invalid_argument("the body's length is missing"));
        }
        if (request.get_header_value_count("Content-Length") > 1 || length.size() > 7 ||
            length.find_first_not_of("0123456789") != std::string::npos) {
            return error_answer(413, "invalid_argument",
                                invalid_argument("the request is too large", "1 MiB is the most"));
        }
        const auto type = request.get_header_value("Content-Type");
        const bool has_body = !length.empty() && length.find_first_not_of('0') != std::string::npos;
        if (has_body && !type.starts_with("application/json")) {
            return error_answer(415, "invalid_argument", invalid_argument("the body has to be application/json"));
        }
        return std::nullopt;
    }

    Answer answer(const httplib::Request& http)
    {
        const auto cut = http.target.find('?');
        Request request{.method = http.method == "HEAD" ? "GET" : http.method,
                        .path = http.target.substr(0, cut),
                        .query = {},
                        .parts = {},
                        .range = http.get_header_value("Range"),
                        .body = http.body};
        const auto claims = claims_of(http);
        auto query =
            parse_query(cut == std::string::npos ? std::string_view{} : std::string_view{http.target}.substr(cut + 1));
        if (!query.has_value()) {
            return error_answer(query.error());
        }
        request.query = *std::move(query);
        return request.path.starts_with("/api/")
                   ? api_answer(claims, request)
                   : page_answer(*app_, claims, request, http.get_header_value("If-None-Match"));
    }

    Answer api_answer(const Claims& claims, Request& request)
    {
        bool is_known_path = false;
        for (const auto& route : routes_) {
            auto parts = match(route.path, request.path);
            is_known_path = is_known_path || parts.has_value();
            if (!parts || route.method != request.method) {
                continue;
            }
            if (const auto refused = app_->guard->refusal(claims, route.reach)) {
                return error_answer(refused->status, refused->code, refused->error);
            }
            request.parts = *std::move(parts);
            auto answer = route.handler(*app_, request);
            return answer.has_value() ? *std::move(answer) : error_answer(answer.error());
        }
        if (const auto refused = app_->guard->refusal(claims, Reach::reader)) {
            return error_answer(refused->status, refused->code, refused->error);
        }
        return is_known_path ? error_answer(405, "invalid_argument", invalid_argument("this cannot be done here"))
                             : error_answer(404, "not_found", not_found("there is no such call"));
    }

    App* app_;
    std::vector<Route> routes_;
};

std::vector<Route> all_routes()
{
    std::vector<Route> out;
    for (auto* const routes : {session_routes, job_routes, look_routes, unlock_routes, file_routes, taking_routes,
                               case_routes, media_routes, item_routes}) {
        std::ranges::move(routes(), std::back_inserter(out));
    }
    return out;
}

/// Wakes the threads that wait for the next request of a connection: they would wait for seconds.
void end_connections(std::uint16_t port)
{
    // httplib does not take descriptors beyond what select() can.
    for (int descriptor = 0; descriptor < FD_SETSIZE; ++descriptor) {
        sockaddr_in own{};
        socklen_t size = sizeof own;
        // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): as the call wants it
        if (::getsockname(descriptor, reinterpret_cast<sockaddr*>(&own), &size) == 0 && own.sin_family == AF_INET &&
            ntohs(own.sin_port) == port) {
            ::shutdown(descriptor, SHUT_RDWR);
        }
    }
}

Error no_more_connections(std::uint16_t port)
{
    return Error{ErrorCode::io,
                 fmt::format("the page's server ended: no more connections to port {} of 127.0.0.1 are accepted", port),
                 "the system closed the port, or ran out of what a connection takes",
                 std::nullopt,
                 "start it again; searches go on where they were",
                 {}};
}

std::string home_folder()
{
    std::error_code problem;
    auto path = std::filesystem::current_path(problem);
    return problem ? "/" : path.string();
}

void open_at_once(App& app, ServeRequest& request)
{
    OpenPlan plan;
    plan.dump = *std::move(request.dump);
    std::error_code ignored;
    plan.dump.path = std::filesystem::absolute(plan.dump.path, ignored).lexically_normal();
    if (!request.case_folder.empty()) {
        plan.case_folder = std::filesystem::absolute(request.case_folder, ignored).lexically_normal();
    }
    plan.right = request.statement;
    plan.search = std::move(request.search);
    plan.secrets = std::make_shared<rescue::OpenRequest>(std::move(request.secrets));
    static_cast<void>(start_opening(app, std::move(plan)));
}

} // namespace

std::optional<std::vector<std::string>> match(std::string_view pattern, std::string_view path)
{
    std::vector<std::string> parts;
    while (true) {
        const auto hole = pattern.find("{}");
        if (hole == std::string_view::npos) {
            return pattern == path ? std::optional{std::move(parts)} : std::nullopt;
        }
        if (path.substr(0, hole) != pattern.substr(0, hole)) {
            return std::nullopt;
        }
        path.remove_prefix(hole);
        pattern.remove_prefix(hole + 2);
        const auto part = path.substr(0, path.find('/'));
        if (part.empty()) {
            return std::nullopt;
        }
        parts.emplace_back(part);
        path.remove_prefix(part.size());
    }
}

Result<> serve(ServeRequest request, const RunContext& context)
{
    httplib::Server http;
    const auto port = SALVAGE_TRY(Server::bind(http, request.port));
    App app{request.version, home_folder(), SALVAGE_TRY(Guard::make(port, *context.entropy))};
    app.link_used = [&request, &app] { request.on_link(app.guard->link()); };
    const Server server{app, all_routes(), http};
    std::atomic<bool> has_ended{false};
    std::thread listener{[&http, &has_ended] {
        http.listen_after_bind();
        has_ended = true;
    }};
    request.on_link(app.guard->link());
    if (request.dump) {
        open_at_once(app, request);
    }
    while (!has_ended && (!context.is_stopped() || !http.is_running())) {
        std::this_thread::sleep_for(50ms);
    }
    const bool has_failed = has_ended;
    app.jobs.stop_all();
    app.hub.close();
    // Held until all requests have ended: what became of a download goes into the log.
    const auto last = app.place.view().known;
    app.place.close();
    app.gallery.forget();
    app.items.forget();
    http.stop();
    end_connections(port);
    listener.join();
    return has_failed ? Result<>{no_more_connections(port)} : Result<>{};
}

} // namespace salvage::web
