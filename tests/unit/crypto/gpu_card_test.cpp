// The whole contract on every real card of this machine, under every API that offers it.  Where there is none, these
// tests are skipped and say so; what pocl can prove is in gpu_opencl_test.cpp.
#include <gtest/gtest.h>

#include <algorithm>

#include "salvage/crypto/gpu.hpp"
#include "support/assert_result.hpp"
#include "unit/crypto/gpu_contract.hpp"

namespace salvage::crypto {
namespace {

using test::is_ok;

/// Every card, under each of its APIs.
std::vector<GpuInfo> cards()
{
    auto gpus = list_gpus().gpus;
    std::erase_if(gpus, &GpuInfo::is_cpu);
    return gpus;
}

std::string title(const GpuInfo& card)
{
    return card.name + " (" + card.api + ")";
}

TEST(GpuCard, DerivesEverySizeOfPbkdf2AsTheCpu)
{
    const auto all = cards();
    if (all.empty()) {
        GTEST_SKIP() << "no GPU here";
    }
    for (const auto& card : all) {
        SCOPED_TRACE(title(card));
        const auto device = open_gpu(card);
        ASSERT_TRUE(is_ok(device));
        test::expect_pbkdf2_as_on_cpu(**device);
        EXPECT_FALSE((*device)->is_lost());
    }
}

TEST(GpuCard, DerivesScryptAsTheCpuWithAllOfItsTableOrAPart)
{
    const auto all = cards();
    if (all.empty()) {
        GTEST_SKIP() << "no GPU here";
    }
    for (const auto& card : all) {
        for (const unsigned gap_log2 : {0U, 1U, 2U, 3U, 4U}) {
            SCOPED_TRACE(title(card) + ", gap " + std::to_string(1U << gap_log2));
            const auto device = open_gpu(card, {.batch = 37, .scrypt_gap_log2 = gap_log2});
            ASSERT_TRUE(is_ok(device));
            test::expect_scrypt_as_on_cpu(**device, {{.n_log2 = 8, .r_log2 = 0, .p_log2 = 1},
                                                     {.n_log2 = 3, .r_log2 = 3, .p_log2 = 3},
                                                     {.n_log2 = 10, .r_log2 = 3, .p_log2 = 1},
                                                     {.n_log2 = 15, .r_log2 = 3, .p_log2 = 1}});
            EXPECT_FALSE((*device)->is_lost());
        }
    }
}

} // namespace
} // namespace salvage::crypto
