// What the fault matrices have in common: the faults, and a small phone with a plan for two of its partitions.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "salvage/crypto/hash.hpp"
#include "salvage/device/phone_faults.hpp"
#include "salvage/rescue/restore.hpp"
#include "support/files.hpp"
#include "unit/device/phone_bench.hpp"

namespace salvage::test {

struct Fault {
    std::string_view name;
    void (*set)(device::PhoneFaults&, std::uint64_t at);
};
inline constexpr std::array phone_faults{
    Fault{"disconnect", [](device::PhoneFaults& set, std::uint64_t at) { set.disconnect_at = at; }},
    Fault{"stall", [](device::PhoneFaults& set, std::uint64_t at) { set.stall_at = at; }},
    Fault{"lost byte", [](device::PhoneFaults& set, std::uint64_t at) { set.lose_byte_at = at; }},
    Fault{"short packet", [](device::PhoneFaults& set, std::uint64_t at) { set.short_packet_at = at; }},
    Fault{"flipped bit", [](device::PhoneFaults& set, std::uint64_t at) { set.flip_bit_at = at; }},
    Fault{"error status", [](device::PhoneFaults& set, std::uint64_t at) { set.error_status_at = at; }},
    Fault{"slow link", [](device::PhoneFaults& set, std::uint64_t at) { set.bytes_a_second = 20'000 + at; }},
};

/// A small phone with a table and another ROM, and a plan that puts two partitions of a backup onto it.
class SmallRestore : public ::testing::Test {
protected:
    static constexpr std::uint64_t metadata_at = 64ULL * 512;
    static constexpr std::uint64_t metadata_bytes = 64U << 10U;
    static constexpr std::uint64_t userdata_at = 2048ULL * 512;
    static constexpr std::uint64_t userdata_bytes = 1U << 20U;

    void SetUp() override
    {
        const auto image = work_.path() / "table.img";
        const auto made =
            run_command(fmt::format("truncate -s 4M '{0}' && sgdisk -a 1 -n 1:64:+64K -c 1:metadata -n 2:2048:+1M "
                                    "-c 2:userdata '{0}' 2>&1",
                                    image.string()));
        ASSERT_TRUE(made) << "sgdisk is in the list of packages";
        before_ = read_file(image);
        const auto tables = metadata_at;
        std::ranges::fill(std::span{before_}.subspan(tables, before_.size() - 2 * tables), std::byte{0xA5});
        backup_ = pattern_bytes(before_.size(), 21);
        // Zeros, and one word over and over: the other ROM must not shine through.
        std::ranges::fill(std::span{backup_}.subspan(userdata_at + 0x20000, 0x10000), std::byte{0});
        std::ranges::fill(std::span{backup_}.subspan(userdata_at + 0x38000, 0x8000), std::byte{0x5A});
        wanted_ = before_;
    }

    /// The backup's userdata and metadata, by `tool`.
    void make_plan(rescue::RestoreTool tool)
    {
        plan_.source = work_.write("backup.img", backup_).string();
        add_step(tool, "userdata", userdata_at, userdata_bytes);
        add_step(tool, "metadata", metadata_at, metadata_bytes);
    }

    [[nodiscard]] rescue::ApplyRequest request(const std::filesystem::path& journal,
                                               rescue::ApplyRequest::Mode mode) const
    {
        return {.hash = rescue::hash_of(plan_),
                .journal = journal,
                .mode = mode,
                .confirm = [](const auto&, const auto&) { return true; }};
    }

    [[nodiscard]] std::shared_ptr<device::PhoneFlash> other_rom() const
    {
        return device::PhoneFlash::open({{.name = "user", .path = {}, .bytes = before_}}, device::StorageKind::emmc)
            .unwrap();
    }
    [[nodiscard]] Bytes content(const device::PhoneFlash& flash) const
    {
        Bytes out(before_.size());
        EXPECT_TRUE(flash.read("user", ByteOffset{0}, out).has_value());
        return out;
    }
    /// Whether all that was written lies inside of the plan's partitions.
    [[nodiscard]] bool has_only_planned_writes(const device::PhoneFlash& flash) const
    {
        return std::ranges::all_of(flash.writes(), [&](const std::pair<std::string, ByteRange>& write) {
            return write.first == "user" && std::ranges::any_of(plan_.steps, [&](const rescue::RestoreStep& step) {
                       return step.image.range.contains(write.second);
                   });
        });
    }

    TemporaryFolder work_;
    Bytes before_; ///< of the phone
    Bytes backup_;
    Bytes wanted_; ///< what the phone has to hold in the end
    rescue::RestorePlan plan_;

private:
    void add_step(rescue::RestoreTool tool, const std::string& partition, std::uint64_t at, std::uint64_t size)
    {
        rescue::RestoreStep step;
        step.partition = partition;
        step.tool = tool;
        step.image = {.path = plan_.source,
                      .range = *ByteRange::make(ByteOffset{at}, ByteCount{size}),
                      .sha256 = to_hex(crypto::sha256(ByteView{backup_}.subspan(at, size)))};
        step.start = ByteOffset{at};
        step.phone_size = ByteCount{size};
        step.bytes_a_second = ByteCount{1};
        plan_.steps.push_back(step);
        std::copy_n(backup_.begin() + static_cast<std::ptrdiff_t>(at), size,
                    wanted_.begin() + static_cast<std::ptrdiff_t>(at));
    }
};

} // namespace salvage::test
