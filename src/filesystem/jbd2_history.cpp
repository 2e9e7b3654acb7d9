// What blocks of the volume were once: every copy that the log of a journal still holds, replayed or not.
#include <algorithm>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "jbd2_log.hpp"
#include "salvage/core/bytes.hpp"

namespace salvage::filesystem {
namespace jbd2 {
namespace {

constexpr std::uint64_t blocks_between_looks = 256;

/// A descriptor block says what the blocks behind it are; so of two that speak of one place the later is right.
struct Claim {
    Tag tag;
    std::uint32_t sequence{};
    std::int32_t age{};
};

class History {
public:
    History(const io::ByteSource& journal, const Log& log, const JournaledVolume& volume, const RunContext& context)
        : journal_{journal}, log_{log}, volume_{volume}, context_{context}
    {
    }

    Result<> collect()
    {
        for (auto block = log_.first; block < log_.end; ++block) {
            if (block % blocks_between_looks == 0 && context_.is_stopped()) {
                return cancelled("reading the journal");
            }
            SALVAGE_TRY(look_at(block));
        }
        for (const auto block : control_blocks_) {
            claims_.erase(block);
        }
        return {};
    }

    Result<std::vector<LoggedCopy>> verified() const
    {
        std::vector<LoggedCopy> out;
        out.reserve(claims_.size());
        for (const auto& [block, claim] : claims_) {
            if (out.size() % blocks_between_looks == 0 && context_.is_stopped()) {
                return cancelled("reading the journal");
            }
            const auto data = read_block(block);
            if (!data.has_value()) {
                if (data.error().code == ErrorCode::io) {
                    return data.error();
                }
                continue;
            }
            if (data_checksums(log_, claim.sequence, claim.tag, *data).agree()) {
                out.push_back({.on_volume = claim.tag.block,
                               .in_log = block,
                               .sequence = claim.sequence,
                               .age = claim.age,
                               .is_escaped = claim.tag.is_escaped(),
                               .is_verified = log_.has_checksums()});
            }
        }
        std::ranges::sort(out, {},
                          [](const LoggedCopy& copy) { return std::tuple{copy.on_volume, copy.age, copy.in_log}; });
        return out;
    }

private:
    [[nodiscard]] Result<Bytes> read_block(std::uint64_t block) const
    {
        return io::read_bytes(journal_, ByteOffset{block * log_.block_bytes}, ByteCount{log_.block_bytes});
    }

    Result<> look_at(std::uint64_t at)
    {
        const auto block = read_block(at);
        if (!block.has_value()) {
            return block.error().code == ErrorCode::io ? Result<>{block.error()} : Result<>{};
        }
        if (be32(*block, 0) != magic) {
            return {};
        }
        control_blocks_.push_back(at);
        if (be32(*block, 4) == block_type::descriptor && tail_checksums(log_, *block).agree()) {
            take_descriptor(*block, at);
        }
        return {};
    }

    void take_descriptor(ByteView block, std::uint64_t at)
    {
        const auto sequence = be32(block, 8);
        const auto age = static_cast<std::int32_t>(sequence - log_.sequence);
        auto left = log_.length() - 1;
        for (const auto& tag : parse_tags(log_, block)) {
            if (left-- == 0) {
                return;
            }
            at = log_.wrapped(at + 1);
            if (tag.block >= volume_.blocks) {
                continue;
            }
            auto& claim = claims_.try_emplace(at, Claim{.tag = tag, .sequence = sequence, .age = age}).first->second;
            if (age > claim.age) {
                claim = {.tag = tag, .sequence = sequence, .age = age};
            }
        }
    }

    const io::ByteSource& journal_;
    const Log& log_;
    JournaledVolume volume_;
    const RunContext& context_;
    std::vector<std::uint64_t> control_blocks_;
    std::unordered_map<std::uint64_t, Claim> claims_; ///< by block of the log
};

} // namespace
} // namespace jbd2

Result<std::vector<LoggedCopy>> find_logged_copies(const io::ByteSource& journal, const JournaledVolume& volume,
                                                   const RunContext& context)
{
    const auto log = SALVAGE_TRY(jbd2::read_log(journal, volume));
    jbd2::History history{journal, log, volume, context};
    SALVAGE_TRY(history.collect());
    return history.verified();
}

Result<Bytes> read_logged_copy(const io::ByteSource& journal, const JournaledVolume& volume, const LoggedCopy& copy)
{
    auto out = SALVAGE_TRY(
        io::read_bytes(journal, ByteOffset{copy.in_log * volume.block_bytes}, ByteCount{volume.block_bytes}));
    if (copy.is_escaped) {
        store_be(out, jbd2::magic);
    }
    return out;
}

} // namespace salvage::filesystem
