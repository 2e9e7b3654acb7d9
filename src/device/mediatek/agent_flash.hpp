// What all download agents have in common when a flash is read through them: stretches, whole sectors, stops.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "device/mediatek/wire.hpp"
#include "salvage/device/flash.hpp"

namespace salvage::device {

/// A download agent that is up and running.
class AgentSession {
public:
    /// Takes what was read, in order; its error ends the session, for it stands in the middle of a sentence then.
    using Take = std::function<Result<>(ByteView bytes)>;

    AgentSession() = default;
    AgentSession(const AgentSession&) = delete;
    AgentSession& operator=(const AgentSession&) = delete;
    virtual ~AgentSession() = default;

    [[nodiscard]] virtual const StorageInfo& storage() const noexcept = 0;
    /// Whole sectors.  Errors: unreadable, refused and unsupported leave the session as it was; all others end it.
    virtual Result<> read(const StorageRegion& region, ByteRange range, const Take& take) = 0;
    /// Whole sectors.  Errors: as read; refused also where the flash could not be written.
    virtual Result<> write(const StorageRegion& region, ByteOffset at, ByteView bytes) = 0;
    virtual Result<> finish(FlashWriter::Goodbye goodbye) = 0;
};

/// `wire` is over `transport`; both belong to the flash from here on.
[[nodiscard]] std::unique_ptr<FlashWriter> make_agent_flash(std::unique_ptr<Transport> transport,
                                                            std::unique_ptr<Wire> wire,
                                                            std::unique_ptr<AgentSession> session);

} // namespace salvage::device
