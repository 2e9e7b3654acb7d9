// Host, Origin, cookie, token.
#include "guard.hpp"

#include <array>
#include <utility>

#include <fmt/format.h>

#include "salvage/core/bytes.hpp"
#include "salvage/core/secret.hpp"

namespace salvage::web {
namespace {

Error plain_error(std::string what, std::string why, std::string hint)
{
    return Error{ErrorCode::refused, std::move(what), std::move(why), std::nullopt, std::move(hint), {}};
}

Refusal forbidden(std::string what, std::string why)
{
    return {.status = 403,
            .code = "forbidden",
            .error = plain_error(std::move(what), std::move(why), "use the page that the printed link opens")};
}

Refusal unauthorised()
{
    return {.status = 401,
            .code = "unauthorised",
            .error = plain_error("this browser was not let in", "it has no cookie of this run of the server",
                                 "open the link that salvage serve printed")};
}

constexpr std::string_view blanks = " \t";

std::string_view without_blanks(std::string_view text) noexcept
{
    const auto first = text.find_first_not_of(blanks);
    return first == std::string_view::npos ? std::string_view{}
                                           : text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

} // namespace

Result<std::string> random_name(Entropy& entropy)
{
    std::array<std::byte, 32> bytes{};
    SALVAGE_TRY(entropy.fill(bytes));
    return to_hex(bytes);
}

bool is_same_secret(std::string_view left, std::string_view right) noexcept
{
    return equal_constant_time(as_bytes(left), as_bytes(right));
}

std::optional<std::string_view> find_cookie(std::string_view header, std::string_view name) noexcept
{
    while (!header.empty()) {
        const auto end = header.find(';');
        const auto pair = without_blanks(header.substr(0, end));
        const auto equals = pair.find('=');
        if (equals != std::string_view::npos && pair.substr(0, equals) == name) {
            return pair.substr(equals + 1);
        }
        header.remove_prefix(end == std::string_view::npos ? header.size() : end + 1);
    }
    return std::nullopt;
}

Result<std::unique_ptr<Guard>> Guard::make(std::uint16_t port, Entropy& entropy)
{
    std::unique_ptr<Guard> out{new Guard{port, entropy}};
    out->cookie_ = SALVAGE_TRY(random_name(entropy));
    out->token_ = SALVAGE_TRY(random_name(entropy));
    out->link_token_ = SALVAGE_TRY(random_name(entropy));
    return out;
}

bool Guard::is_own_host(std::string_view host) const
{
    return host == fmt::format("127.0.0.1:{}", port_) || host == fmt::format("localhost:{}", port_);
}

// Cookies of one host are sent to all its ports: the name keeps two servers apart.
std::string Guard::cookie_name() const
{
    return fmt::format("salvage-{}", port_);
}

std::optional<Refusal> Guard::refusal(const Claims& claims, Reach reach) const
{
    // A name that somebody made to point at this computer (DNS rebinding) stands in Host.
    if (!is_own_host(claims.host)) {
        return forbidden("this is not the server's name",
                         "the request's Host is not 127.0.0.1 or localhost with its port");
    }
    if (claims.origin && *claims.origin != "http://" + claims.host) {
        return forbidden("another page asked for this", "the request's Origin is not this server");
    }
    if (reach == Reach::anyone) {
        return std::nullopt;
    }
    if (claims.fetch_site && *claims.fetch_site != "same-origin" && *claims.fetch_site != "none") {
        return forbidden("another page asked for this", "the browser says that the request comes from elsewhere");
    }
    const auto cookie = find_cookie(claims.cookies, cookie_name());
    if (!cookie || !is_same_secret(*cookie, cookie_)) {
        return unauthorised();
    }
    if (reach == Reach::writer && (!claims.token || !is_same_secret(*claims.token, token_))) {
        return forbidden("the request does not come from the page", "its X-Salvage-Token is missing or wrong");
    }
    return std::nullopt;
}

std::string Guard::link() const
{
    const std::scoped_lock lock{mutex_};
    return fmt::format("http://127.0.0.1:{}/open?token={}", port_, link_token_);
}

Result<bool> Guard::spend(std::string_view token)
{
    const std::scoped_lock lock{mutex_};
    if (!is_same_secret(token, link_token_)) {
        return false;
    }
    link_token_ = SALVAGE_TRY(random_name(*entropy_));
    return true;
}

std::string Guard::set_cookie() const
{
    return fmt::format("{}={}; Path=/; HttpOnly; SameSite=Strict", cookie_name(), cookie_);
}

} // namespace salvage::web
