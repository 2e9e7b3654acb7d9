// Asserting on results: the error's whole text is in the failure message.
#pragma once

#include <gtest/gtest.h>

#include "salvage/core/error.hpp"
#include "salvage/core/result.hpp"

namespace salvage::test {

template <typename T>
[[nodiscard]] ::testing::AssertionResult is_ok(const Result<T>& result)
{
    if (result.has_value()) {
        return ::testing::AssertionSuccess() << "it succeeded";
    }
    return ::testing::AssertionFailure() << to_string(result.error());
}

template <typename T>
[[nodiscard]] ::testing::AssertionResult fails_with(const Result<T>& result, ErrorCode code)
{
    if (result.has_value()) {
        return ::testing::AssertionFailure() << "it succeeded, expected " << to_string(code);
    }
    if (result.error().code != code) {
        return ::testing::AssertionFailure() << "expected " << to_string(code) << ", got " << to_string(result.error());
    }
    if (result.error().what.empty()) {
        return ::testing::AssertionFailure() << "the error says nothing";
    }
    return ::testing::AssertionSuccess();
}

} // namespace salvage::test
