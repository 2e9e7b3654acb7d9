// A request and its answer as the routes see them, whatever serves them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "salvage/core/result.hpp"

namespace salvage::web {

/// Sits between a route and a client that takes bytes as fast as it can.
class Client {
public:
    Client() = default;
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    virtual ~Client() = default;
    /// False: the client is gone, or too slow.
    virtual bool write(std::string_view bytes) = 0;
    [[nodiscard]] virtual bool is_there() const = 0;
};

enum class Next : std::uint8_t {
    more,   ///< ask again
    done,   ///< all was written
    broken, ///< the rest cannot be had: the connection is closed, so that the client knows
};

/// A body that is made while it is sent.
struct Stream {
    std::optional<std::uint64_t> size; ///< nothing: chunked
    std::function<Next(Client&)> next; ///< writes a piece
};

struct Header {
    std::string name;
    std::string value;
};

struct Request {
    std::string method;                                     ///< "GET", "POST" or "DELETE"
    std::string path;                                       ///< as it was sent, without the query: "/api/v1/jobs/3"
    std::vector<std::pair<std::string, std::string>> query; ///< decoded
    std::vector<std::string> parts;                         ///< what the {} of the route's path stand for
    std::string range;                                      ///< the header's value
    std::string body;

    /// The first of that name, or null.
    [[nodiscard]] const std::string* find(std::string_view name) const;
};

/// What a browser may do with a body.
enum class Policy : std::uint8_t {
    page,    ///< the page's own assets
    data,    ///< JSON; never kept
    sandbox, ///< bytes of the phone: nothing runs, whatever they are
    plain,   ///< a few lines for a person
};

struct Answer {
    int status{200};
    std::string type{"application/json"};
    std::string body{};
    Policy policy{Policy::data};
    std::vector<Header> headers{};
    std::optional<Stream> stream{};
    bool closes{false}; ///< the connection ends with it
};

/// A JSON answer for an error: `{"error": {"code", "what", "why", "where", "hint"}}`.
[[nodiscard]] Answer error_answer(int status, std::string_view code, const Error& error);
/// With the status that fits the code.
[[nodiscard]] Answer error_answer(const Error& error);
[[nodiscard]] int status_of(ErrorCode code) noexcept;
/// 409: something else is being done.
[[nodiscard]] Answer busy(std::string_view what, std::string_view why, std::string_view hint);
[[nodiscard]] Answer no_content();

} // namespace salvage::web
