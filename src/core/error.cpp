// Errors as values: building them and putting them into words.
#include "salvage/core/error.hpp"

#include <cerrno>
#include <iterator>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "salvage/core/text.hpp"

namespace salvage {

std::string_view to_string(ErrorCode code) noexcept
{
    switch (code) {
    case ErrorCode::io: return "io";
    case ErrorCode::truncated: return "truncated";
    case ErrorCode::unreadable: return "unreadable";
    case ErrorCode::malformed: return "malformed";
    case ErrorCode::unsupported: return "unsupported";
    case ErrorCode::wrong_secret: return "wrong-secret";
    case ErrorCode::needs_phone_key: return "needs-phone-key";
    case ErrorCode::not_found: return "not-found";
    case ErrorCode::mismatch: return "mismatch";
    case ErrorCode::cancelled: return "cancelled";
    case ErrorCode::already_exists: return "already-exists";
    case ErrorCode::no_space: return "no-space";
    case ErrorCode::timed_out: return "timed-out";
    case ErrorCode::disconnected: return "disconnected";
    case ErrorCode::refused: return "refused";
    case ErrorCode::invalid_argument: return "invalid-argument";
    case ErrorCode::internal: return "internal";
    }
    return "internal";
}

std::string to_string(const Location& where)
{
    std::string out;
    for (const auto& place : where.chain) {
        if (!place.source.empty()) {
            fmt::format_to(std::back_inserter(out), "{} » ", place.source);
        }
    }
    if (!where.chain.empty()) {
        fmt::format_to(std::back_inserter(out), "byte {}", format_offset(where.chain.back().at));
    }
    return out;
}

Error Error::in(std::string_view step) &&
{
    trail.emplace_back(step);
    return std::move(*this);
}

Error Error::at(std::string_view source, ByteOffset base) &&
{
    if (!where) {
        where = Location{{Place{std::string{source}, base}}};
        return std::move(*this);
    }
    if (where->chain.size() == 1 && where->chain.front().source.empty()) {
        auto& place = where->chain.front();
        place.source = source;
        place.at = base + ByteCount{place.at.value};
        return std::move(*this);
    }
    where->chain.insert(where->chain.begin(), Place{std::string{source}, base});
    return std::move(*this);
}

Error Error::with_hint(std::string_view text) &&
{
    hint = text;
    return std::move(*this);
}

std::string to_string(const Error& error)
{
    auto out = fmt::format("{}: {}", to_string(error.code), error.what);
    if (!error.why.empty()) {
        fmt::format_to(std::back_inserter(out), " ({})", error.why);
    }
    if (error.where) {
        fmt::format_to(std::back_inserter(out), " at {}", to_string(*error.where));
    }
    for (const auto& step : error.trail) {
        fmt::format_to(std::back_inserter(out), ", while {}", step);
    }
    if (!error.hint.empty()) {
        fmt::format_to(std::back_inserter(out), "; {}", error.hint);
    }
    return out;
}

namespace {
Error about_bytes(ErrorCode code, ByteOffset at, std::string_view what, std::string_view why)
{
    return Error{code, std::string{what}, std::string{why}, Location{{Place{"", at}}}, {}, {}};
}

Error without_place(ErrorCode code, std::string_view what, std::string_view why, std::string_view hint)
{
    return Error{code, std::string{what}, std::string{why}, std::nullopt, std::string{hint}, {}};
}
} // namespace

Error malformed(ByteOffset at, std::string_view what, std::string_view why)
{
    return about_bytes(ErrorCode::malformed, at, what, why);
}

Error truncated(ByteOffset at, std::string_view what, std::string_view why)
{
    return about_bytes(ErrorCode::truncated, at, what, why);
}

Error unsupported(std::string_view what, std::string_view why, std::string_view hint)
{
    return without_place(ErrorCode::unsupported, what, why, hint);
}

Error invalid_argument(std::string_view what, std::string_view why, std::string_view hint)
{
    return without_place(ErrorCode::invalid_argument, what, why, hint);
}

Error not_found(std::string_view what, std::string_view why, std::string_view hint)
{
    return without_place(ErrorCode::not_found, what, why, hint);
}

Error from_errno(int error_number, std::string_view what, std::string_view path)
{
    auto code = ErrorCode::io;
    if (error_number == ENOSPC || error_number == EDQUOT) {
        code = ErrorCode::no_space;
    } else if (error_number == EEXIST) {
        code = ErrorCode::already_exists;
    }
    return without_place(code, what, fmt::format("{}: {}", path, std::generic_category().message(error_number)), {});
}

} // namespace salvage
