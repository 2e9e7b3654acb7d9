// A device that goes away and comes back.
#include "rescue/read_flash_link.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "salvage/core/text.hpp"

namespace salvage::rescue {
namespace {

/// Whether a new connection may mend it.
bool is_of_the_link(ErrorCode code) noexcept
{
    // A device that answers nonsense is out of step; io is what a port says whose device is gone.
    return code == ErrorCode::timed_out || code == ErrorCode::disconnected || code == ErrorCode::malformed ||
           code == ErrorCode::io;
}

Error broken(std::string_view why)
{
    return Error{ErrorCode::malformed, "the device is out of step", std::string{why}, std::nullopt, {}, {}};
}

/// Hands whole sectors on.  A cable that is pulled in the middle of one must not leave requests beginning there for all
/// time to come.
class SectorSink {
public:
    SectorSink(ByteRange range, ByteCount sector, const device::FlashReader::Sink& sink)
        : range_{range}, sector_{static_cast<std::size_t>(sector.value)}, sink_{&sink}, reached_{range.start()}
    {
    }

    Result<> take(ByteOffset at, ByteView bytes)
    {
        if (at != reached_ + ByteCount{held_.size()} || bytes.size() > (range_.end() - at).value) {
            return broken("it sent bytes that were not asked for");
        }
        if (!held_.empty()) {
            const auto missing = std::min(sector_ - held_.size(), bytes.size());
            held_.insert(held_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(missing));
            bytes = bytes.subspan(missing);
            if (held_.size() < whole_sectors(sector_)) {
                return {};
            }
            SALVAGE_TRY(hand_on(held_));
            held_.clear();
        }
        const auto whole = whole_sectors(bytes.size());
        SALVAGE_TRY(hand_on(bytes.first(whole)));
        held_.assign(bytes.begin() + static_cast<std::ptrdiff_t>(whole), bytes.end());
        return {};
    }
    [[nodiscard]] ByteOffset reached() const noexcept { return reached_; }
    [[nodiscard]] bool has_come_on() const noexcept { return reached_ > range_.start(); }
    [[nodiscard]] std::optional<Error> sink_error() const { return sink_error_; }

private:
    /// Of `count` bytes from here; the last sector of a range may be cut.
    [[nodiscard]] std::size_t whole_sectors(std::size_t count) const
    {
        return count >= (range_.end() - reached_).value ? static_cast<std::size_t>((range_.end() - reached_).value)
                                                        : count / sector_ * sector_;
    }

    Result<> hand_on(ByteView bytes)
    {
        if (bytes.empty()) {
            return {};
        }
        auto taken = (*sink_)(reached_, bytes);
        if (!taken.has_value()) {
            sink_error_ = taken.error();
            return taken;
        }
        reached_ = reached_ + ByteCount{bytes.size()};
        return {};
    }

    ByteRange range_;
    std::size_t sector_;
    const device::FlashReader::Sink* sink_;
    ByteOffset reached_;
    Bytes held_; ///< of a sector that is not whole
    std::optional<Error> sink_error_;
};

} // namespace

std::optional<Error> say_goodbye(device::FlashReader& reader, std::optional<device::FlashReader::Goodbye> goodbye,
                                 const RunContext& context)
{
    if (!goodbye) {
        return std::nullopt;
    }
    auto said = reader.finish(*goodbye);
    if (said.has_value()) {
        return std::nullopt;
    }
    context.log->write("read.goodbye", to_string(said.error()));
    return std::move(said).error();
}

Result<> DeviceLink::connect()
{
    for (;;) {
        auto came = (*connect_)(*context_);
        if (came.has_value()) {
            reader_ = std::move(came).unwrap();
            storage_ = reader_->storage();
            identity_ = reader_->identity();
            return {};
        }
        // A preloader listens for a moment only: whose handshake comes too late gets another chance.
        const auto code = came.error().code;
        if (!is_of_the_link(code) || code == ErrorCode::io || in_a_row_ >= max_reconnects_) {
            return std::move(came).error();
        }
        ++in_a_row_;
        ++reconnects_;
        context_->log->write("read.connect", came.error().what);
    }
}

std::optional<Error> DeviceLink::disconnect(std::optional<device::FlashReader::Goodbye> goodbye)
{
    auto problem = say_goodbye(*reader_, goodbye, *context_);
    reader_.reset();
    return problem;
}

Result<ReadEnding> DeviceLink::read(const device::StorageRegion& region, ByteRange range, ByteCount sector,
                                    const device::FlashReader::Sink& sink)
{
    SectorSink taking{range, sector, sink};
    const auto done =
        reader_->read(region, range, [&](ByteOffset at, ByteView bytes) { return taking.take(at, bytes); }, *context_);
    if (taking.has_come_on()) {
        in_a_row_ = 0;
    }
    if (auto error = taking.sink_error()) {
        return *std::move(error);
    }
    if (taking.reached() == range.end() && done.has_value()) {
        return ReadEnding{.kind = ReadEnding::Kind::whole, .reached = range.end(), .why = {}};
    }
    auto why = done.has_value() ? broken("it ended a read early and said that all was well") : done.error();
    if (why.code == ErrorCode::unreadable) {
        return ReadEnding{.kind = ReadEnding::Kind::unreadable, .reached = taking.reached(), .why = std::move(why)};
    }
    if (is_of_the_link(why.code)) {
        return ReadEnding{.kind = ReadEnding::Kind::lost, .reached = taking.reached(), .why = std::move(why)};
    }
    return why;
}

Result<> DeviceLink::check_same(const device::FlashReader& reader) const
{
    const auto has_same_size = [&](const device::StorageRegion& region) {
        const auto* const now = reader.storage().find(region.name);
        return now != nullptr && now->size == region.size;
    };
    if (reader.identity() == identity_ && std::ranges::all_of(storage_.regions, has_same_size)) {
        return {};
    }
    return Error{ErrorCode::mismatch,
                 "another device came than the one that went away",
                 fmt::format("before: {}; now: {}", printable(identity_), printable(reader.identity())),
                 std::nullopt,
                 "connect the first one and run the same command again; what is read is safe",
                 {}};
}

Result<> DeviceLink::reconnect(const Error& why)
{
    for (;;) {
        if (in_a_row_ >= max_reconnects_) {
            return Error{why}
                .in(fmt::format("after {} new connections without one byte more", in_a_row_))
                .with_hint("what is read is safe: check cable and battery, and run the same command again");
        }
        ++in_a_row_;
        ++reconnects_;
        // The old connection goes first: a port can be opened once only.
        reader_.reset();
        context_->log->write("read.reconnect", why.what);
        auto came = (*connect_)(*context_);
        if (came.has_value()) {
            SALVAGE_TRY(check_same(**came));
            reader_ = std::move(came).unwrap();
            return {};
        }
        if (!is_of_the_link(came.error().code)) {
            return std::move(came).error().in("connecting to the device again");
        }
    }
}

} // namespace salvage::rescue
