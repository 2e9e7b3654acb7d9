// What tests of sector ciphers share: noise, and tests once for every instruction set.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "salvage/crypto/cipher.hpp"

namespace salvage::crypto::test_support {

inline Bytes sector_noise(std::size_t size, std::uint64_t seed)
{
    Bytes bytes(size);
    for (auto& byte : bytes) {
        seed = (seed * 6364136223846793005ULL) + 1442695040888963407ULL;
        byte = static_cast<std::byte>(seed >> 56U);
    }
    return bytes;
}

class EverySectorIsa : public ::testing::TestWithParam<SectorIsa> {};

inline std::string isa_name(const ::testing::TestParamInfo<SectorIsa>& info)
{
    return std::string{to_string(info.param)};
}

} // namespace salvage::crypto::test_support

// NOLINTNEXTLINE(cppcoreguidelines-macro-usage): GoogleTest's own is one.
#define SALVAGE_FOR_EVERY_SECTOR_ISA(suite)                                                                            \
    INSTANTIATE_TEST_SUITE_P(Isa, suite, ::testing::ValuesIn(supported_sector_isas()), test_support::isa_name)
