"""What operators call things: English, German, French, Spanish, Portuguese, Italian, Dutch.

What lives here: words, without accents and in small letters. What does not: comparing (`headers`).
A phrase matches where all its words are in the header; a `*` stands for any ending.
"""

from typing import Final

PHRASES: Final[dict[str, str]] = {
    "source_session_id": "session id, sessionid, transaction*, charging event, charge event, "
    "event id, cdr id, charging id, charge id, session, id, uuid, txn*, ref, reference, "
    "ladevorgang*, vorgang*, transaktion*, recharge id, recarga id, sesion*, "
    "sessao, sessione, sessie, transactie*, transaccion*, transacao*, transazione*, "
    "ricarica id, laadsessie*",
    "station_id": "station, stationid, charge point, chargepoint, point, cp, cpid, evse, "
    "evseid, charger, depot*, chargebox, charge box, ladestation*, ladesaule*, ladesaeule*, "
    "ladepunkt*, saule*, borne*, point charge, point recharge, pdc, punto carga, punto recarga, "
    "estacion*, cargador*, posto*, ponto carregamento, estacao*, carregador*, "
    "colonnina*, stazione*, punto ricarica, laadpaal*, laadpunt*, laadstation*",
    "connector_id": "connector*, outlet*, plug, socket*, port, gun, punkt, bay, anschluss*, "
    "stecker*, ladeanschluss*, connecteur*, prise*, conector*, toma, tomada*, presa, connettore*, "
    "aansluiting*, stekker*",
    "user_id": "user, userid, customer, driver, card, rfid, idtag, tag id, token, account, "
    "nutzer*, benutzer*, kunde*, karte*, ladekarte*, utilisateur*, client, badge, carte, "
    "usuario*, cliente*, tarjeta*, utilizador*, cartao, utente*, tessera, gebruiker*, klant*, "
    "laadpas*, pas, vehicle, van, plate, kennzeichen, fahrzeug",
    "started_at": "start, started, starting, begin, began, beginning, plugin, plug in, "
    "plugged in, connection, connected, arrival, from, created, beginn, ladebeginn, "
    "ladestart, startzeit*, startdatum, anfang, von, debut, depart, inicio, comienzo, desde, "
    "inizio, avvio, begintijd, begindatum, starttijd, aanvang, startdate, starttime",
    "ended_at": "end, ended, ending, finish*, stop, stopped, plugout, plug out, plugged out, "
    "unplugged, disconnect*, departure, to, until, ende, ladeende, endzeit*, enddatum, bis, "
    "fin, arret, final, termino, hasta, fim, fine, termine, einde, eindtijd, einddatum, "
    "stoptijd, enddate, endtime",
    "energy_kwh": "energy, kwh, wh, mwh, energie*, energia, consumption, verbrauch, strommenge, "
    "lademenge, consommation, consumo, verbruik, volume kwh, meter kwh",
    "meter_start": "meter start, start meter, meter begin, meter from, zahler start, "
    "zahlerstand beginn, zahlerstand anfang, zahlerstand start",
    "meter_stop": "meter stop, meter end, stop meter, end meter, meter to, zahler ende, "
    "zahlerstand ende, zahlerstand stop",
    "full_at": "full at, full, charged at, done charging, charging done, charging finished, "
    "charging complete*, charging stopped, charge complete*, vollgeladen, ladung beendet",
    "charging_duration_h": "charging time, charge time, charging minutes, charging hours, "
    "minutes charging, charging seconds, charging duration, charge duration, "
    "active charging, ladedauer, ladezeit, duree charge, duree recharge, duracion carga, "
    "duracion recarga, tiempo carga, tiempo recarga, duracao carga, duracao carregamento, "
    "tempo carregamento, durata ricarica, tempo ricarica, laadtijd, laadduur",
    "session_duration": "duration, connected time, parking time, dauer, standzeit, duree, "
    "duracion, duracao, durata, duur, sessieduur, tijdsduur, hours, minutes",
    "max_power_kw": "max power, maximum power, peak power, peak w, peak kw, max w, max kw, "
    "maximale leistung, maximalleistung, puissance max, puissance maximale, "
    "potencia maxima, potenza massima, maximaal vermogen",
    "cost": "cost, price, fee, amount, revenue, paid, dollars, kosten, preis, betrag, cout, prix, "
    "montant, coste, precio, importe, custo, preco, valor, costo, prezzo, importo, prijs, bedrag",
    "currency": "currency, ccy, wahrung, waehrung, devise, moneda, moeda, valuta",
    "updated_at": "updated, last modified, modified, geandert, aktualisiert",
    "stop_reason": "stop reason, reason, grund, end reason, ended by, "
    "termination reason, stoppgrund, motif arret, motivo fin, motivo fim",
    "error_code": "error code, fault code, fehlercode, code erreur",
    "payment_method": "payment, payment method, auth method, payment type, payment mode, "
    "zahlungsart, zahlart, moyen paiement, metodo pago, metodo pagamento, forma pago, betaalwijze",
    "vehicle_model": "vehicle model, car model, fahrzeugmodell, fahrzeug, modele vehicule, "
    "modelo vehiculo, modelo veiculo, modello veicolo, voertuig*",
    "battery_capacity_kwh": "battery capacity, battery size, batteriekapazitat, "
    "capacite batterie, capacidad bateria, capacidade bateria, capacita batteria, accucapaciteit",
    "vehicle_age_years": "vehicle age, car age, fahrzeugalter",
    "distance_driven_km": "distance driven, km driven, miles driven, distance last charge",
    "soc_start_percent": "soc start, state charge start, start soc, initial soc, "
    "soc initial, soc in",
    "soc_end_percent": "soc end, state charge end, end soc, final soc, soc final, soc out",
    "temperature_c": "temperature, temp, temperatur, temperatura, temperatuur",
    "weekday": "weekday, day week, wochentag, jour semaine, dia semana, giorno settimana, weekdag",
    "name": "name, site, station name, site name, location, standort, nom, nom station, "
    "emplacement, nombre, sitio, ubicacion, nome, local, localizacao, luogo, sede, ubicazione, "
    "naam, locatie",
    "latitude": "latitude, lat, breitengrad, breite, latitud, latitudine, breedtegraad",
    "longitude": "longitude, lon, lng, long, langengrad, laengengrad, longitud, longitudine, "
    "lengtegraad",
    "time_zone": "timezone, tz, time zone, zeitzone, fuseau horaire, zona horaria, fuso, tijdzone",
    "power_kw": "power, rated power, leistung, nennleistung, ladeleistung, puissance, potencia, "
    "potenza, vermogen, kw",
    "connectors": "connectors, outlets, plugs, sockets, ports, ladepunkte, anschlusse, "
    "anzahl ladepunkte, pontos ligacao, points charge, prises, tomas, tomadas, prese",
    "district": "district, bezirk, landkreis, departement, provincia, distrito, provincie",
    "municipality": "municipality, city, town, stadt, ort, gemeinde, commune, ville, municipio, "
    "ciudad, concelho, comune, citta, gemeente, plaats",
    "parish": "parish, ortsteil, freguesia",
    "address": "address, street, adresse, strasse, anschrift, rue, direccion, calle, endereco, "
    "morada, rua, indirizzo, via, adres, straat",
    "date": "date, datum, day, tag, fecha, dia, data, giorno, dag, jour",
}
"""What headers say of each field, the surest first; `date` is of both times, `session_duration`
is of no field, nor are `full_at`, `meter_start` and `meter_stop`."""

_SAYS_NOTHING: Final = (
    "the of de del della des du do da der die das el la le les los las il lo het een van di a an "
    "and et y e und en in per por pro par total totale gesamt summe sum id ids nr no num number "
    "numero nummer code ev evs charging charge charged session sessions date time datetime "
    "timestamp at utc local hour hrs h min mins minutes minute hours s sec secs seconds ms hh mm "
    "ss kwh wh mwh kw w mw eur euro euros gbp usd chf dollar dollars pounds pound sek nok dkk pln "
    "datum zeit zeitpunkt uhrzeit uhr stunden minuten sekunden date heure heures horodatage "
    "fecha hora horas minutos segundos data ora ore minuti secondi tijd tijdstip uren minuten "
    "seconden consumed delivered used supplied dispensed geladen geladene abgegeben delivree "
    "consommee consumida entregada suministrada fornecida consumata erogata geleverd geleverde "
    "maxima admissivel iso8601 km miles c f years carga carregamento ricarica recarga recharge "
    "ladung laden laad value"
)

SAYS_NOTHING: Final = frozenset(_SAYS_NOTHING.split())
"""Words that may stand beside any phrase and change nothing."""

_SAYS_OTHERWISE: Final = (
    "type typ tipo status state zustand description beschreibung kind brand marke meter zahler "
    "savings provider model modell reason zip postal plz"
)

SAYS_OTHERWISE: Final = frozenset(_SAYS_OTHERWISE.split())
"""Words that make another thing of it, unless the phrase has them itself."""
