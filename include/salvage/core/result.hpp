// Result<T>: a value or an Error, and SALVAGE_TRY to pass the error on.
#pragma once

#include <expected>
#include <string_view>
#include <utility>

#include "salvage/core/error.hpp"

namespace salvage {

/// A value or the reason why there is none.  Converts implicitly from both, on purpose.
template <typename T = void>
class [[nodiscard]] Result : public std::expected<T, Error> {
    using Base = std::expected<T, Error>;

public:
    using Base::Base;
    // NOLINTNEXTLINE(google-explicit-constructor,hicpp-explicit-conversions): `return malformed(…)` is the point.
    // cppcheck-suppress noExplicitConstructor
    Result(Error error) : Base{std::unexpect, std::move(error)} {}

    /// Names the step that failed, for the error's trail.
    [[nodiscard]] Result in(std::string_view step) &&
    {
        if (!this->has_value()) {
            return Result{std::move(this->error()).in(step)};
        }
        return std::move(*this);
    }

    /// Lifts an offset within parsed bytes to a place in `source`; see Error::at.
    [[nodiscard]] Result at(std::string_view source, ByteOffset base) &&
    {
        if (!this->has_value()) {
            return Result{std::move(this->error()).at(source, base)};
        }
        return std::move(*this);
    }

    /// The value of a result that is known to have one.
    [[nodiscard]] T unwrap() && { return std::move(*this).value(); }
};

/// Drops a result, saying why that is right.
template <typename T>
void ignore(const Result<T>& /*result*/, std::string_view /*reason*/) noexcept
{
}

namespace detail {
// Not [[nodiscard]]: a bare SALVAGE_TRY(check(…)) wants the error only.
template <typename T>
T take_value(Result<T>&& result)
{
    return std::move(*result);
}
inline void take_value(Result<void>&& /*result*/) noexcept {}
} // namespace detail

} // namespace salvage

// The value of a Result, or an early return with its error.  Never nested: both uses would name one variable.
// NOLINTNEXTLINE(cppcoreguidelines-macro-usage): an early return cannot be a function.
#define SALVAGE_TRY(expression)                                                                                        \
    __extension__({                                                                                                    \
        auto salvage_result_ = (expression);                                                                           \
        if (!salvage_result_.has_value()) {                                                                            \
            return ::salvage::Error{std::move(salvage_result_).error()};                                               \
        }                                                                                                              \
        ::salvage::detail::take_value(std::move(salvage_result_));                                                     \
    })
