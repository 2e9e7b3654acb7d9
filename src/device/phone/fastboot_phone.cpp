// What the simulated bootloader does, and when it refuses.  The words in quotes that LK says are LK's.
#include "fastboot_phone.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "fastboot_sparse.hpp"

namespace salvage::device {
namespace {

using Outcome = FastbootPhone::Outcome;

constexpr std::uint64_t sector_bytes = 512;
constexpr std::uint32_t sparse_magic = 0xED26FF3A;
constexpr std::string_view region = "user";

bool is_sparse(ByteView image)
{
    return image.size() >= 4 && load_le<std::uint32_t>(image) == sparse_magic;
}

/// LK looks before it writes what it would boot.
bool must_be_boot_image(std::string_view partition)
{
    return partition == "boot" || partition == "recovery";
}

Outcome outcome_of(const Result<>& result)
{
    return result.has_value() ? Outcome::okay() : Outcome::fail(result.error().what);
}

/// Writes to one partition and nowhere else.
WritePartition writer(PhoneFlash& flash, const PhonePartition& partition)
{
    return [&flash, &partition](ByteOffset at, ByteView bytes) -> Result<> {
        const auto room = partition.range.size().value;
        if (at.value > room || bytes.size() > room - at.value) {
            return Error{ErrorCode::refused, "write beyond the partition", {}, std::nullopt, {}, {}};
        }
        return flash.write(region, partition.range.start() + ByteCount{at.value}, bytes);
    };
}

} // namespace

FastbootPhone::FastbootPhone(PhoneFlash& flash, const FastbootPhoneOptions& options, Waiter& waiter)
    : flash_{&flash}, options_{&options}, waiter_{&waiter}, is_unlocked_{!options.faults.is_bootloader_locked},
      faults_{options.faults}
{
}

const PhonePartition* FastbootPhone::find(std::string_view name) const noexcept
{
    const auto found = std::ranges::find(options_->partitions, name, &PhonePartition::name);
    return found == options_->partitions.end() ? nullptr : &*found;
}

std::optional<Outcome> FastbootPhone::objection(std::string_view partition) const
{
    if (!is_unlocked_) {
        return Outcome::fail("not allowed in locked state");
    }
    if (std::ranges::find(options_->faults.refused_partitions, partition) !=
        options_->faults.refused_partitions.end()) {
        return Outcome::fail(fmt::format("download for partition '{}' is not allowed", partition.substr(0, 64)));
    }
    if (options_->is_battery_low) {
        return Outcome::fail("low power, need battery charging.");
    }
    if (find(partition) == nullptr) {
        return Outcome::fail("partition doesn't exist");
    }
    return std::nullopt;
}

Outcome FastbootPhone::flash(std::string_view partition, ByteView image)
{
    if (auto refusal = objection(partition)) {
        return *std::move(refusal);
    }
    if (image.empty()) {
        return Outcome::fail("no image downloaded");
    }
    const auto& target = *find(partition);
    const auto write = writer(*flash_, target);
    if (is_sparse(image)) {
        return outcome_of(write_sparse_image(image, target.range.size(), write));
    }
    if (must_be_boot_image(partition) && !as_text(image).starts_with("ANDROID!")) {
        return Outcome::fail("image is not a boot image");
    }
    const auto rounded = (image.size() + sector_bytes - 1) / sector_bytes * sector_bytes;
    if (rounded > target.range.size().value) {
        return Outcome::fail("size too large");
    }
    return outcome_of(write(ByteOffset{0}, image));
}

Outcome FastbootPhone::erase(std::string_view partition)
{
    if (auto refusal = objection(partition)) {
        return *std::move(refusal);
    }
    const auto& target = *find(partition);
    return outcome_of(write_repeated(ByteOffset{0}, target.range.size(), 0, writer(*flash_, target)));
}

Outcome FastbootPhone::unlock()
{
    if (!options_->does_owner_press_yes) {
        return options_->says_okay_on_no ? Outcome::okay() : Outcome::fail("the owner pressed \"No\"");
    }
    // The owner's data goes first, so that whoever unlocks cannot have it.
    if (const auto* const userdata = find("userdata"); userdata != nullptr) {
        const auto erased = write_repeated(ByteOffset{0}, userdata->range.size(), 0, writer(*flash_, *userdata));
        if (!erased.has_value()) {
            return outcome_of(erased);
        }
    }
    is_unlocked_ = true;
    return Outcome::okay();
}

} // namespace salvage::device
