// A backup, a plan for it, and phones to write to, for tests of applying and verifying.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "restore_phone.hpp"
#include "salvage/crypto/hash.hpp"
#include "salvage/rescue/restore.hpp"
#include "support/assert_result.hpp"
#include "support/files.hpp"

namespace salvage::rescue {

/// A backup of three partitions in one file, a plan for it, and phones to write to.
class RestoreApplyTest : public ::testing::Test {
protected:
    using State = AppliedStep::State;
    using FakeTarget = test::FakeTarget;

    static constexpr std::uint64_t mib = 1U << 20U;

    static Bytes noise(std::size_t size, std::uint32_t seed)
    {
        Bytes out(size);
        for (auto& byte : out) {
            seed = (seed * 1664525U) + 1013904223U;
            byte = static_cast<std::byte>(seed >> 24U);
        }
        return out;
    }

    void SetUp() override { prepare(64U << 10U); }

    /// Pieces are of `unit` bytes: three for secro, four for userdata, one for metadata.
    void prepare(std::uint64_t unit)
    {
        unit_ = unit;
        plan_ = {};
        const auto bytes = noise(8 * unit, 7);
        dump_ = folder_.write("dump.img", bytes);
        add_step("secro", 0, (2 * unit) + 512);
        add_step("userdata", 3 * unit, (4 * unit) - 3584);
        add_step("metadata", 7 * unit, unit / 2);
        plan_.source = dump_.string();
        plan_.verdict = "needs-phone-key";
        plan_.phone = {.product = "K10", .serial = "0123", .is_unlocked = true, .max_download = ByteCount{8 * unit}};
        journal_ = folder_.path() / "PLAN.json.journal";
    }

    void add_step(const std::string& partition, std::uint64_t at, std::uint64_t size)
    {
        const auto bytes = test::read_file(dump_);
        RestoreStep step;
        step.partition = partition;
        step.image.path = dump_.string();
        step.image.range = *ByteRange::make(ByteOffset{at}, ByteCount{size});
        step.image.sha256 = to_hex(crypto::sha256(ByteView{bytes}.subspan(at, size)));
        step.phone_size = ByteCount{size};
        step.why = "a test needs it";
        step.bytes_a_second = ByteCount{mib};
        plan_.steps.push_back(step);
    }

    [[nodiscard]] std::unique_ptr<FakeTarget> phone(RestoreTool tool = RestoreTool::fastboot) const
    {
        auto out = std::make_unique<FakeTarget>(tool);
        out->says = plan_.phone;
        out->piece = unit_;
        std::uint32_t seed = 99;
        for (const auto& step : plan_.steps) {
            out->partitions[step.partition] = noise(step.image.range.size().value, ++seed);
        }
        out->partitions["nvram"] = noise(4096, 5);
        return out;
    }

    [[nodiscard]] ApplyRequest request(ApplyRequest::Mode mode = ApplyRequest::Mode::write)
    {
        return {.hash = hash_of(plan_),
                .journal = journal_,
                .mode = mode,
                .confirm = [this](const RestorePlan& /*plan*/, const PhoneFacts& /*phone*/) {
                    ++asked_;
                    return is_confirmed_;
                }};
    }

    void expect_restored(const FakeTarget& target) const
    {
        const auto bytes = test::read_file(dump_);
        for (const auto& step : plan_.steps) {
            const auto& range = step.image.range;
            const auto wanted = ByteView{bytes}.subspan(range.start().value, range.size().value);
            EXPECT_TRUE(std::ranges::equal(target.partitions.at(step.partition), wanted)) << step.partition;
        }
        EXPECT_EQ(target.partitions.at("nvram"), noise(4096, 5));
        EXPECT_EQ(target.partitions.size(), plan_.steps.size() + 1) << "something outside of the plan was written";
    }

    test::TemporaryFolder folder_;
    std::filesystem::path dump_;
    std::filesystem::path journal_;
    RestorePlan plan_;
    std::uint64_t unit_{};
    int asked_{0};
    bool is_confirmed_{true};
};

} // namespace salvage::rescue
