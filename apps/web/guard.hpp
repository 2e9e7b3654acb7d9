// Who may ask: the server's own page in a browser that was given the link, and nobody else.  Pure functions over what a
// request says of itself; what they guard against stands in docs/threat-model.md.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "salvage/core/run_context.hpp"

namespace salvage::web {

/// The headers that tell who asks; nothing: the header is not there.
struct Claims {
    std::string host;
    std::optional<std::string> origin;
    std::optional<std::string> fetch_site; ///< Sec-Fetch-Site
    std::string cookies;                   ///< Cookie
    std::optional<std::string> token;      ///< X-Salvage-Token
};

enum class Reach : std::uint8_t {
    anyone, ///< the page's own assets, and what says why there is no page
    reader, ///< needs the cookie
    writer, ///< needs the token and the own origin, too
};

/// Why a request is refused.
struct Refusal {
    int status{};
    std::string code; ///< "unauthorised" or "forbidden"
    Error error;
};

/// 256 random bits as 64 hex digits.
[[nodiscard]] Result<std::string> random_name(Entropy& entropy);

/// Equal, told in a time that does not depend on where they differ.
[[nodiscard]] bool is_same_secret(std::string_view left, std::string_view right) noexcept;

/// The value of a cookie in a Cookie header, or nothing.  Of several of one name the first.
[[nodiscard]] std::optional<std::string_view> find_cookie(std::string_view header, std::string_view name) noexcept;

/// The secrets of one run of the server.  Thread safe.
class Guard {
public:
    /// Errors: those of `entropy`.
    [[nodiscard]] static Result<std::unique_ptr<Guard>> make(std::uint16_t port, Entropy& entropy);

    /// Nothing: let it pass.
    [[nodiscard]] std::optional<Refusal> refusal(const Claims& claims, Reach reach) const;

    /// "http://127.0.0.1:PORT/open?token=…", good for one use.
    [[nodiscard]] std::string link() const;
    /// Spends the token of the link and makes another.  False: it is not the one, or was used.
    [[nodiscard]] Result<bool> spend(std::string_view token);
    /// The Set-Cookie of a browser that spent one.
    [[nodiscard]] std::string set_cookie() const;
    /// What X-Salvage-Token has to say.
    [[nodiscard]] const std::string& token() const noexcept { return token_; }

    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;
    ~Guard() = default;

private:
    Guard(std::uint16_t port, Entropy& entropy) : port_{port}, entropy_{&entropy} {}
    [[nodiscard]] bool is_own_host(std::string_view host) const;
    [[nodiscard]] std::string cookie_name() const;

    std::uint16_t port_;
    Entropy* entropy_;
    std::string cookie_;
    std::string token_;
    mutable std::mutex mutex_; ///< of link_token_
    std::string link_token_;
};

} // namespace salvage::web
