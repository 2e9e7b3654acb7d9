// The sample phone's partition tables: GPT, or MBR with EBR1 and PMT, and the scatter file that goes with them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "salvage/core/result.hpp"
#include "salvage/rescue/sample_phone.hpp"
#include "sample_phone_tools.hpp"

namespace salvage::rescue::sample {

inline constexpr std::uint64_t lba_bytes = 512;

/// A partition as layout, GPT and scatter know it.
struct Slot {
    std::string_view name;
    std::uint64_t start{};
    std::uint64_t size{};
    std::string_view type{"NORMAL_ROM"};
    std::string_view operation{"UPDATE"};
    std::string_view file{"NONE"};
    bool is_in_table{true};  ///< GPT or PMT entry
    bool is_reserved{false}; ///< the scatter counts it from the end of the flash
};

struct Plan {
    std::vector<Slot> slots; ///< of the user area, by start
    std::uint64_t device_size{};

    [[nodiscard]] const Slot& at(std::string_view name) const; ///< Requires: it is there
};

[[nodiscard]] Plan make_plan(const SamplePhoneSpec& spec);

/// Names of the partitions that both eras have under different names.
struct Names {
    std::string_view system;
    std::string_view cache;
    std::string_view userdata;
};
[[nodiscard]] Names names_of(SamplePhoneSpec::Era era);

/// Protective MBR, primary and backup GPT.
Result<> write_gpt(ImageFile& dump, const Plan& plan, std::uint64_t seed);
/// MBR, EBR1, and the PMT with its mirror.
Result<> write_mbr_and_pmt(ImageFile& dump, const Plan& plan);

/// Text of the scatter file.  V1.1.2 has physical addresses; V1.1.1 linear ones that count the boot region.
[[nodiscard]] std::string make_scatter(const Plan& plan, const SamplePhoneSpec& spec);
[[nodiscard]] std::string_view scatter_file_name(SamplePhoneSpec::Era era);
[[nodiscard]] std::string make_fstab(const SamplePhoneSpec& spec);
[[nodiscard]] std::string_view fstab_file_name(SamplePhoneSpec::Era era);

} // namespace salvage::rescue::sample
